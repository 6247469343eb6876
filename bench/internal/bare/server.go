package bare

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/machine"
)

//go:embed server.js
var nodeServer string

//go:embed server.py
var pythonServer string

// Server is a process that listens.
type Server struct {
	// host:port.
	Address string
	PID     int

	process *exec.Cmd
	ended   chan error
	work    string
}

// Kinds of servers.
const (
	Node      = "node"
	Python    = "python"
	Reference = "reference"
)

// Start starts one of a kind, with the echo that the platform runs.
func Start(ctx context.Context, kind string) (*Server, error) {
	work, err := os.MkdirTemp("", "so-bench-bare-")
	if err != nil {
		return nil, err
	}
	server := &Server{work: work, ended: make(chan error, 1)}
	command, err := server.command(kind)
	if err == nil {
		err = server.start(ctx, command)
	}
	if err != nil {
		server.Stop()
		return nil, fmt.Errorf("a bare %s server: %w", kind, err)
	}
	return server, nil
}

func (s *Server) command(kind string) ([]string, error) {
	switch kind {
	case Node:
		return s.script("node", "node", "server.js", nodeServer, "index.js")
	case Python:
		return s.script("python3", "python", "server.py", pythonServer, "main.py")
	}
	self, err := os.Executable()
	return []string{self, ReferenceCommand}, err
}

// script writes a server and the handler it serves.
func (s *Server) script(program, runtime, name, text, handlerName string) ([]string, error) {
	found, err := machine.Find(program)
	if err != nil {
		return nil, err
	}
	source, err := echo.SourceOf(runtime, 0)
	if err != nil {
		return nil, err
	}
	server, handler := filepath.Join(s.work, name), filepath.Join(s.work, handlerName)
	for path, content := range map[string]string{server: text, handler: source.Code} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	return []string{found, server, handler}, nil
}

const startTimeout = 30 * time.Second

// start waits until it has printed its port.
func (s *Server) start(ctx context.Context, command []string) error {
	// Not of this context: it is ended by Stop.
	process := exec.Command(command[0], command[1:]...)
	process.Stderr = os.Stderr
	process.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	// Signals of the terminal are ours to handle.
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	output, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	s.process, s.PID = process, process.Process.Pid
	port := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(output).ReadString('\n')
		port <- strings.TrimSpace(line)
		s.ended <- process.Wait()
	}()
	select {
	case p := <-port:
		if p == "" {
			return fmt.Errorf("%s ended instead of listening", strings.Join(command, " "))
		}
		s.Address = "127.0.0.1:" + p
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(startTimeout):
		return fmt.Errorf("it does not listen after %v", startTimeout)
	}
}

// Stop ends it.
func (s *Server) Stop() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		<-s.ended
		s.process = nil
	}
	os.RemoveAll(s.work)
}
