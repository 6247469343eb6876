package baseline

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"serverless-orchestrator/bench/internal/stats"
)

// Where hosts that have both cgroup versions mount the second.
const unifiedMount = "/sys/fs/cgroup/unified"

// v1Only runs operations on threads that see no cgroup v2: crun refuses hosts
// where both versions have controllers.
type v1Only struct{ jobs chan job }

type job struct {
	run  func() error
	done chan error
}

// v1Threads is more than the loops that use them.
const v1Threads = 8

func newV1Only() (*v1Only, error) {
	threads := &v1Only{jobs: make(chan job)}
	ready := make(chan error)
	for range v1Threads {
		go threads.serve(ready)
	}
	var problem error
	for range v1Threads {
		problem = errors.Join(problem, <-ready)
	}
	if problem != nil {
		threads.close()
		return nil, problem
	}
	return threads, nil
}

// serve never unlocks its thread, so that it ends with the goroutine instead of
// being used for anything else.
func (t *v1Only) serve(ready chan<- error) {
	runtime.LockOSThread()
	err := leaveUnified()
	ready <- err
	if err != nil {
		return
	}
	for each := range t.jobs {
		each.done <- each.run()
	}
}

// leaveUnified changes the mounts that this thread, and what it starts, sees.
func leaveUnified() error {
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("a mount namespace: %w", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return syscall.Unmount(unifiedMount, syscall.MNT_DETACH)
}

func (t *v1Only) wrap(operation stats.Operation) stats.Operation {
	return func(ctx context.Context) error {
		each := job{func() error { return operation(ctx) }, make(chan error, 1)}
		t.jobs <- each
		return <-each.done
	}
}

func (t *v1Only) close() { close(t.jobs) }
