package baseline

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"serverless-orchestrator/bench/internal/machine"
	"serverless-orchestrator/bench/internal/stats"
)

// Case is one way to start one program.
type Case struct {
	// "<tool>/<program>".
	ID    string
	Title string
	// Starts it and waits until it has ended and nothing is left of it.
	Operation stats.Operation
	// How often it is worth repeating, relative to the others: what takes
	// hundreds of times as long is not measured as often.
	Share float64
	// Why it cannot be had; Operation is nil then.
	Problem error
}

// Program is what is started.
type Program struct {
	Name    string
	Command []string
}

// Set is all cases, and what they need while they are measured.
type Set struct {
	Cases    []Case
	programs []Program
	work     string
	docker   *engine
	// Nil unless something needs it.
	v1 *v1Only
}

// Prepare makes what can be made; what cannot be had is a case with a problem.
// `hello` is a compiled program that prints something and ends.
func Prepare(ctx context.Context, hello string) (*Set, error) {
	work, err := os.MkdirTemp("", "so-bench-baselines-")
	if err != nil {
		return nil, err
	}
	set := &Set{work: work}
	set.addBare(ctx, hello)
	set.addBubblewrap(ctx)
	set.addBundles(ctx)
	set.addDocker(ctx)
	return set, nil
}

// Close ends and removes everything that Prepare made.
func (s *Set) Close() {
	if s.docker != nil {
		s.docker.stop()
	}
	if s.v1 != nil {
		s.v1.close()
	}
	os.RemoveAll(s.work)
}

func (s *Set) addBare(ctx context.Context, hello string) {
	for _, program := range []struct {
		name, title, file string
		arguments         []string
	}{
		{"true", "true", "true", nil},
		{"node", "node -e 0", "node", []string{"-e", "0"}},
		{"python", "python3 -c 0", "python3", []string{"-c", "0"}},
	} {
		found := Case{ID: "bare/" + program.name, Title: program.title, Share: 1}
		path, err := machine.Find(program.file)
		if err != nil {
			found.Problem = err
		} else {
			command := append([]string{path}, program.arguments...)
			s.programs = append(s.programs, Program{program.name, command})
			found.Operation = start(command)
		}
		s.add(ctx, found)
	}
	s.add(ctx, Case{ID: "bare/go", Title: "a compiled go program", Share: 1, Operation: start([]string{hello})})
}

func (s *Set) addBubblewrap(ctx context.Context) {
	bwrap, err := machine.Find("bwrap")
	for _, program := range s.programs {
		found := Case{ID: "bwrap/" + program.Name, Title: "bwrap " + program.Name, Share: 1, Problem: err}
		if err == nil {
			command := []string{bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
				"--ro-bind", "/usr", "/usr"}
			for _, link := range usrLinks {
				command = append(command, "--symlink", "usr"+link, link)
			}
			command = append(command, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")
			found.Operation = start(append(command, program.Command...))
		}
		s.add(ctx, found)
	}
}

// add tries a case once, so that what does not work here is known before the
// measuring.
func (s *Set) add(ctx context.Context, found Case) {
	if found.Problem == nil {
		found.Problem = found.Operation(ctx)
	}
	if found.Problem != nil {
		found.Operation = nil
	}
	s.Cases = append(s.Cases, found)
}

// start runs a command with an empty environment and no descriptors but
// /dev/null.
func start(command []string) stats.Operation {
	return func(ctx context.Context) error {
		err := prepared(ctx, command).Run()
		if err == nil || ctx.Err() != nil {
			return err
		}
		// Its words were not worth a pipe before; now they are.
		output, again := prepared(ctx, command).CombinedOutput()
		if again == nil {
			return fmt.Errorf("%s: %w, once", filepath.Base(command[0]), err)
		}
		return fmt.Errorf("%s: %w: %s", filepath.Base(command[0]), again, lastLine(output))
	}
}

func prepared(ctx context.Context, command []string) *exec.Cmd {
	prepared := exec.CommandContext(ctx, command[0], command[1:]...)
	prepared.Env = []string{}
	prepared.Dir = "/"
	return prepared
}

func lastLine(output []byte) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return lines[len(lines)-1]
}
