package soak

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/report"
)

// runner is one run.
type runner struct {
	*Options
	progress io.Writer
	report   *Report
	clock    load.Clock

	own    *platform.Own
	client *platform.Client
	event  load.Event

	slowest slowest
}

// slowest latency since it was last taken. Safe for concurrent use.
type slowest struct {
	mutex   sync.Mutex
	latency time.Duration
}

func (s *slowest) add(latency time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.latency = max(s.latency, latency)
}

func (s *slowest) take() time.Duration {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	taken := s.latency
	s.latency = 0
	return taken
}

// Run measures, and returns what it has when it is interrupted too. A run that
// misses an aim is an error.
func (o *Options) Run(ctx context.Context, command string, progress io.Writer) (report.Results, error) {
	r := &runner{Options: o, progress: progress, report: &Report{Head: report.NewHead("soak", command), Tolerance: o.Tolerance}}
	r.report.Machine.AddPrograms(ctx, o.Root, "node", "python3")
	r.report.Note("Each of %d functions is called %.0f times a second (Poisson) with %v bytes, for %v that do not count and %v that do; a look every %v. Every answer is checked.",
		len(o.Runtimes), o.Rate, o.Body, o.Settle, o.Length, o.Every)
	r.report.Note("Everything is as delivered: instances are replaced after 5 minutes, so there are cold starts.")
	err := r.run(ctx)
	r.report.Took = time.Since(r.report.Started)
	r.report.Judge()
	if err == nil && !r.report.passed() {
		err = fmt.Errorf("soak: %w", report.ErrFailed)
	}
	return r.report, err
}

func (r *runner) say(format string, values ...any) { report.Say(r.progress, format, values...) }

func (r *runner) run(ctx context.Context) error {
	r.say("starting a platform")
	own, err := platform.Start(ctx, r.Root, nil, r.progress)
	if err != nil {
		return err
	}
	defer own.Stop()
	r.own, r.client = own, platform.NewClient("http://"+own.HTTP)
	if r.event, err = load.NewEvent(int(r.Body)); err != nil {
		return err
	}
	var expectations []*echo.Expectation
	for _, runtime := range r.Runtimes {
		r.say("deploying %s", runtime)
		id, expectation, err := r.deploy(ctx, runtime)
		if err != nil {
			return fmt.Errorf("%s: %w", runtime, err)
		}
		r.report.Functions = append(r.report.Functions, Function{Runtime: runtime, ID: id})
		expectations = append(expectations, expectation)
	}
	return r.watch(ctx, expectations)
}

func (r *runner) deploy(ctx context.Context, runtime string) (string, *echo.Expectation, error) {
	definition, err := echo.Definition(runtime, "soak-"+runtime, 0)
	if err != nil {
		return "", nil, err
	}
	id, err := echo.Deploy(ctx, r.client, definition)
	if err != nil {
		return "", nil, err
	}
	expectation, err := echo.LearnFrom(ctx, r.client, id, r.event)
	return id, expectation, err
}

// Calls that could not be sent that long after the end are given up.
const grace = 5 * time.Second

// watch looks while the functions are called.
func (r *runner) watch(ctx context.Context, expectations []*echo.Expectation) error {
	begin := r.clock.Now().Add(r.Settle)
	window := load.Window{Begin: begin, End: begin.Add(r.Length)}
	var group sync.WaitGroup
	tallies := make([]*load.Tally, len(expectations))
	for i := range expectations {
		tallies[i] = load.NewTally()
		group.Go(func() { r.call(ctx, i, expectations[i], window, tallies[i]) })
	}
	r.say("%v to settle, then %v", r.Settle, r.Length)
	for at := window.Begin; at.Before(window.End); at = at.Add(r.Every) {
		r.clock.SleepUntil(ctx, at)
		if ctx.Err() != nil {
			break
		}
		r.look(ctx, at.Sub(window.Begin))
	}
	group.Wait()
	elapsed := min(r.clock.Now().Sub(window.Begin), window.Length())
	for i, tally := range tallies {
		f := &r.report.Functions[i]
		f.Elapsed, f.Latency, f.Counts = elapsed, tally.Good(), tally.Counts()
	}
	return context.Cause(ctx)
}

func (r *runner) call(ctx context.Context, index int, expectation *echo.Expectation, window load.Window, tally *load.Tally) {
	var callers []load.Caller
	for i := range r.Connections {
		callers = append(callers, load.NewHTTP(r.own.HTTP, platform.InvokePath(r.report.Functions[index].ID), r.event, index*r.Connections+i, expectation.REST))
	}
	defer load.CloseAll(callers)
	begin := window.Begin.Add(-r.Settle)
	load.Open(ctx, r.clock, load.Poisson(r.Rate, r.Seed+uint64(index)), begin, window.End.Sub(begin), grace, callers, func(s load.Sample) {
		r.slowest.add(s.Latency())
		if window.Contains(s.Intended) {
			tally.Add(s)
		}
	})
}

// look notes what it cannot see, too.
func (r *runner) look(ctx context.Context, at time.Duration) {
	look := Look{At: at, Groups: map[string]Use{}, Slowest: r.slowest.take()}
	var err error
	if look.Functions, err = r.client.Metrics(ctx); err == nil {
		look.Groups, err = r.groups()
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		look.Problem = err.Error()
		r.say("a look failed: %v", err)
	}
	for _, function := range look.Functions {
		if !function.AddUp() {
			r.say("states do not add up: %+v", function)
		}
	}
	r.report.Looks = append(r.report.Looks, look)
}

func (r *runner) groups() (map[string]Use, error) {
	pid, err := r.own.SupervisorPID()
	if err != nil {
		return nil, err
	}
	processes := platform.Processes{Dir: "/proc"}
	found, err := processes.GroupsBelow(pid)
	if err != nil {
		return nil, err
	}
	found[supervisor] = []int{pid}
	uses := map[string]Use{}
	for group, pids := range found {
		slices.Sort(pids)
		uses[group] = Use{pids, processes.RSS(pids...), processes.Descriptors(pids...)}
	}
	return uses, nil
}
