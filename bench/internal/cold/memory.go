package cold

import (
	"context"
	"fmt"
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/platform"
)

// settle is how long instances are left alone before they are weighed: they are
// frozen by then, and what the start has used is given back.
const settle = 3 * time.Second

// The runtimes whose program runs beside a process of the platform.
var compiled = []string{"go", "rust", "custom"}

func (s *session) memory(ctx context.Context) {
	switch {
	case !s.has("memory"):
		return
	case s.own == nil:
		return
	case !isRoot():
		s.report.Miss("memory per idle instance", fmt.Errorf("needs root"))
		return
	}
	for _, f := range s.functions {
		for _, count := range s.Memory {
			if ctx.Err() != nil {
				return
			}
			s.say("memory of %d idle instances: %s", count, f.runtime)
			row := Memory{Runtime: f.runtime, Instances: count}
			if err := s.weigh(ctx, f, &row); err != nil {
				row.Problem = err.Error()
			}
			s.report.Memory = append(s.report.Memory, row)
		}
	}
}

func (s *session) weigh(ctx context.Context, f *function, row *Memory) error {
	processes := platform.Processes{Dir: "/proc"}
	supervisor, err := s.own.SupervisorPID()
	if err != nil {
		return err
	}
	return s.withFunction(ctx, f, func(id string) error {
		if err := s.pool.WaitEmpty(ctx); err != nil {
			return err
		}
		time.Sleep(settle)
		before, err := processes.Available()
		if err != nil {
			return err
		}
		if err := s.pool.Warm(ctx, id, row.Instances); err != nil {
			return err
		}
		time.Sleep(settle)
		after, err := processes.Available()
		if err != nil {
			return err
		}
		usage, err := processes.InstancesBelow(supervisor)
		if err != nil {
			return err
		}
		if usage.Instances != row.Instances {
			return fmt.Errorf("%d sandboxes were found where there should be %d", usage.Instances, row.Instances)
		}
		each := float64(row.Instances)
		row.PSS, row.Cgroup, row.Available = usage.PSS/each, usage.Cgroup/each, (before-after)/each
		if slices.Contains(compiled, f.runtime) {
			row.OwnPSS = usage.OthersPSS / each
		}
		return nil
	})
}
