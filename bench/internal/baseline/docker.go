package baseline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"serverless-orchestrator/bench/internal/machine"
)

const image = "so-bench-root"

// engine is a docker daemon: the one that runs already, or one of our own.
type engine struct {
	client []string
	// Own daemon; nil when it is not ours.
	daemon *exec.Cmd
	ended  chan error
}

func (s *Set) addDocker(ctx context.Context) {
	err := s.startDocker(ctx)
	for _, program := range s.programs {
		found := Case{ID: "docker/" + program.Name, Title: "docker run " + program.Name, Share: 0.2, Problem: err}
		if err == nil {
			found.Operation = start(append(s.docker.command("run", "--rm", "--network=none", "--read-only",
				"--volume=/usr:/usr:ro", "--memory=128m", "--pids-limit=128", "--cpus=1", image), program.Command...))
		}
		s.add(ctx, found)
	}
}

func (s *Set) startDocker(ctx context.Context) error {
	docker, err := machine.Find("docker")
	if other, e := exec.LookPath("/usr/bin/docker"); e == nil {
		// Debian's client fits Debian's daemon; others may be too new.
		docker, err = other, nil
	}
	if err != nil {
		return err
	}
	s.docker = &engine{client: []string{docker}}
	if exec.CommandContext(ctx, docker, "info").Run() != nil {
		if err := s.docker.startOwn(ctx, filepath.Join(s.work, "docker")); err != nil {
			return err
		}
	}
	return s.docker.makeImage(ctx, filepath.Join(s.work, "image"))
}

func (e *engine) command(arguments ...string) []string {
	return append(append([]string{}, e.client...), arguments...)
}

// startOwn starts a daemon that shares nothing with others: neither sockets nor
// images nor network rules.
func (e *engine) startOwn(ctx context.Context, directory string) error {
	dockerd, err := machine.Find("dockerd")
	if err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return errors.New("no docker is running, and starting one needs root")
	}
	if err := os.MkdirAll(directory, 0o711); err != nil {
		return err
	}
	host := "unix://" + filepath.Join(directory, "socket")
	e.client = append(e.client, "--host="+host)
	for _, options := range [][]string{nil, {"--storage-driver=vfs"}} {
		if err = e.tryDaemon(ctx, directory, append([]string{dockerd, "--host=" + host,
			"--data-root=" + filepath.Join(directory, "data"), "--exec-root=" + filepath.Join(directory, "run"),
			"--pidfile=" + filepath.Join(directory, "pid"), "--bridge=none", "--iptables=false", "--ip-forward=false",
			"--ip-masq=false"}, options...)); err == nil {
			return nil
		}
	}
	return err
}

const dockerStart = 30 * time.Second

func (e *engine) tryDaemon(ctx context.Context, directory string, command []string) error {
	log, err := os.Create(filepath.Join(directory, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	// Not of this context: it is ended by stop.
	daemon := exec.Command(command[0], command[1:]...)
	daemon.Stdout, daemon.Stderr = log, log
	daemon.Env = []string{"PATH=" + machine.SearchPath}
	// Signals of the terminal are ours to handle.
	daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := daemon.Start(); err != nil {
		return err
	}
	e.daemon, e.ended = daemon, make(chan error, 1)
	go func() { e.ended <- daemon.Wait() }()

	for deadline := time.Now().Add(dockerStart); time.Now().Before(deadline); {
		info := e.command("info")
		if exec.CommandContext(ctx, info[0], info[1:]...).Run() == nil {
			return nil
		}
		select {
		case <-e.ended:
			e.daemon = nil
			return fmt.Errorf("docker does not start here: %s", lastLine(readLog(log.Name())))
		case <-ctx.Done():
			e.stop()
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	e.stop()
	return fmt.Errorf("docker has not started within %v: %s", dockerStart, lastLine(readLog(log.Name())))
}

func readLog(path string) []byte {
	text, _ := os.ReadFile(path)
	return text
}

func (e *engine) stop() {
	if e.daemon == nil {
		return
	}
	_ = e.daemon.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.ended:
	case <-time.After(dockerStart):
		_ = e.daemon.Process.Kill()
		<-e.ended
	}
	e.daemon = nil
}

// makeImage imports an image that is a root directory without /usr.
func (e *engine) makeImage(ctx context.Context, directory string) error {
	if err := makeRoot(directory); err != nil {
		return err
	}
	packed, err := exec.CommandContext(ctx, "tar", "-C", directory, "-c", ".").Output()
	if err != nil {
		return fmt.Errorf("packing an image: %w", err)
	}
	command := e.command("import", "-", image)
	load := exec.CommandContext(ctx, command[0], command[1:]...)
	load.Stdin = bytes.NewReader(packed)
	if output, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("docker import: %w: %s", err, lastLine(output))
	}
	return nil
}
