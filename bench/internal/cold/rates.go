package cold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"serverless-orchestrator/bench/internal/baseline"
	"serverless-orchestrator/bench/internal/launcher"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/stats"
)

func (r *runner) baselineRound(ctx context.Context, round int) {
	for _, each := range r.baselines {
		row := r.report.Find(each.ID)
		if row.Problem != "" {
			continue
		}
		samples, err := stats.Sequential(ctx, r.clock, r.WarmUp, r.inRound(r.BaselineN, each.Share, round), each.Operation)
		if !fail(ctx, row, err) {
			row.Series.Add(samples, r.WarmUp)
		}
	}
}

// Baselines are compared with two loops, one for each processor of a small
// machine.
const baselineLoops = 2

func (r *runner) baselineRates(ctx context.Context) {
	if !r.has("rates") {
		return
	}
	for _, each := range r.baselines {
		r.baselineRate(ctx, each)
	}
}

func (r *runner) baselineRate(ctx context.Context, each baseline.Case) {
	row := r.report.Find(each.ID)
	if row.Problem == "" {
		r.rate(ctx, row, baselineLoops, r.BaselineLength, each.Operation)
	}
}

func (r *runner) rate(ctx context.Context, row *Measurement, loops int, length time.Duration, operation stats.Operation) {
	if ctx.Err() != nil {
		return
	}
	r.say("%s, %d loops for %v", row.Title, loops, length)
	warmUp := min(time.Second, length/10)
	rate, err := stats.Looped(ctx, r.clock, loops, warmUp, length, operation)
	if !fail(ctx, row, err) {
		row.Rates = append(row.Rates, rate)
	}
}

// rates takes the platform and the baselines in turns.
func (s *session) rates(ctx context.Context) {
	if !s.has("rates") {
		return
	}
	waiting := s.baselines
	for _, f := range s.functions {
		if f.rest.Problem == "" {
			for _, loops := range s.Loops {
				s.rate(ctx, f.rest, loops, s.Length, func(ctx context.Context) error {
					_, err := s.client.InvokeCold(ctx, f.id)
					return err
				})
			}
		}
		share := (len(s.baselines) + len(s.functions) - 1) / len(s.functions)
		for ; share > 0 && len(waiting) > 0; share-- {
			s.baselineRate(ctx, waiting[0])
			waiting = waiting[1:]
		}
	}
}

// launcherRates makes sandboxes without gateway, router and pool: so-pool is
// stopped, and we are the launcher's client in its place.
func (r *runner) launcherRates(ctx context.Context, own *platform.Own) {
	client, uid, err := r.takeLauncher(ctx, own)
	if err != nil {
		r.report.Miss("the launcher alone", err)
		return
	}
	defer client.Close()
	for _, runtime := range r.Runtimes {
		row := r.report.Add("launcher/"+runtime, "launcher alone: "+runtime)
		code, err := own.MakeDirectory("code-"+runtime, uid)
		if err == nil {
			ready, cancel := context.WithTimeout(ctx, 20*time.Second)
			err = client.WaitReady(ready, runtime)
			cancel()
		}
		cycle := func(ctx context.Context) error { return client.Cycle(ctx, runtime, code) }
		if err == nil {
			var samples []time.Duration
			samples, err = stats.Sequential(ctx, r.clock, r.WarmUp, r.N, cycle)
			row.Series.Add(samples, r.WarmUp)
		}
		if fail(ctx, row, err) {
			continue
		}
		for _, loops := range slices.Sorted(slices.Values(r.Loops)) {
			r.rate(ctx, row, loops, r.Length, cycle)
		}
	}
}

// takeLauncher also returns the user that the launcher takes for its client.
func (r *runner) takeLauncher(ctx context.Context, own *platform.Own) (*launcher.Client, int, error) {
	socket, err := own.LauncherSocket()
	if err != nil {
		return nil, 0, err
	}
	if !isRoot() {
		return nil, 0, errors.New("needs root")
	}
	if err := own.StopPool(ctx); err != nil {
		return nil, 0, err
	}
	var about syscall.Stat_t
	if err := syscall.Stat(socket, &about); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", socket, err)
	}
	client, err := launcher.DialAs(socket, int(about.Uid))
	return client, int(about.Uid), err
}
