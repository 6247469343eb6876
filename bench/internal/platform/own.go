package platform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Flags are more flags of programs, by the name of the service.
type Flags map[string][]string

// Own is a platform on free ports, with a state of its own, started and stopped
// by scripts/up and scripts/down.
type Own struct {
	root        string
	stateDir    string
	environment []string
	progress    io.Writer

	// Addresses, host:port.
	HTTP, GRPC, Pool string
}

// services that have an address of their own, as scripts/lib/supervisor.sh names
// their variables.
var services = []string{"REGISTRY", "POOL", "ROUTER", "SCALER"}

// Start builds what is not built, and returns when the platform is healthy.
func Start(ctx context.Context, root string, flags Flags, progress io.Writer) (*Own, error) {
	// Short, for a Unix socket lies in it, and open, for other users' processes
	// live in it.
	stateDir, err := os.MkdirTemp("/tmp", "so-bench-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(stateDir, 0o755); err != nil {
		return nil, err
	}
	ports, err := freePorts(len(services) + 2)
	if err != nil {
		return nil, err
	}
	own := &Own{root: root, stateDir: stateDir, progress: progress}
	own.environment = append(os.Environ(), "SO_STATE_DIR="+stateDir,
		"PORT="+strconv.Itoa(ports[0]), "GRPC_PORT="+strconv.Itoa(ports[1]))
	for i, service := range services {
		address := fmt.Sprintf("127.0.0.1:%d", ports[i+2])
		own.environment = append(own.environment, "SO_"+service+"_ADDRESS="+address)
		if service == "POOL" {
			own.Pool = address
		}
	}
	for service, of := range flags {
		own.environment = append(own.environment, "SO_"+strings.ToUpper(service)+"_FLAGS="+strings.Join(of, " "))
	}
	own.HTTP = fmt.Sprintf("127.0.0.1:%d", ports[0])
	own.GRPC = fmt.Sprintf("127.0.0.1:%d", ports[1])

	if err := own.script(ctx, "up"); err != nil {
		own.Stop()
		return nil, err
	}
	return own, nil
}

// stopTimeout is more than scripts/down lets running calls take.
const stopTimeout = 2 * time.Minute

// Stop ends everything and forgets its state. Also after an interrupt.
func (o *Own) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := o.script(ctx, "down"); err != nil {
		fmt.Fprintf(o.progress, "stopping the platform: %v; its state is left in %s\n", err, o.stateDir)
		return
	}
	os.RemoveAll(o.stateDir)
}

func (o *Own) script(ctx context.Context, name string) error {
	command := exec.CommandContext(ctx, filepath.Join(o.root, "scripts", name))
	command.Env = o.environment
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	// The platform stays behind and keeps the descriptors.
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil {
		fmt.Fprintf(o.progress, "%s\n", output.String())
		return fmt.Errorf("scripts/%s: %w: %s", name, err, lastLine(output.String()))
	}
	return nil
}

// SupervisorPID is the ancestor of all its processes.
func (o *Own) SupervisorPID() (int, error) {
	text, err := os.ReadFile(filepath.Join(o.stateDir, "supervisord.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// freePorts returns ports that nobody listens on now.
func freePorts(count int) ([]int, error) {
	var ports []int
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// LauncherSocket is where its so-launcher listens.
func (o *Own) LauncherSocket() (string, error) {
	found := ""
	err := filepath.WalkDir(o.stateDir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type() == fs.ModeSocket && strings.Contains(entry.Name(), "launcher") {
			found = path
			return fs.SkipAll
		}
		return nil // What cannot be read is not the socket's directory.
	})
	if err == nil && found == "" {
		err = errors.New("it has no launcher")
	}
	return found, err
}

// StopPool ends so-pool alone. Nothing can be invoked afterwards.
func (o *Own) StopPool(ctx context.Context) error {
	command := exec.CommandContext(ctx, "bash", "-c",
		`source "$0/common.sh" && source "$0/supervisor.sh" && supervisorctl -c "$supervisor_conf" stop pool`,
		filepath.Join(o.root, "scripts", "lib"))
	command.Env = o.environment
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("stopping so-pool: %w: %s", err, lastLine(string(output)))
	}
	return nil
}

// MakeDirectory makes one that belongs to a user, whom the launcher demands of
// code, and that goes with the platform.
func (o *Own) MakeDirectory(name string, uid int) (string, error) {
	path := filepath.Join(o.stateDir, name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	return path, os.Chown(path, uid, -1)
}
