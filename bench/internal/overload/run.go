package overload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
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

	own             *platform.Own
	client          *platform.Client
	event           load.Event
	flooded, calmly function
}

// function is one that is called.
type function struct {
	id          string
	expectation *echo.Expectation
}

// Run measures, and returns what it has when it is interrupted too.
func (o *Options) Run(ctx context.Context, command string, progress io.Writer) (report.Results, error) {
	r := &runner{Options: o, progress: progress, report: &Report{Head: report.NewHead("overload", command), Length: o.Length, After: o.After}}
	r.report.Machine.AddPrograms(ctx, o.Root, "node", "python3")
	r.addNotes()
	err := r.run(ctx)
	r.report.Took = time.Since(r.report.Started)
	r.report.Judge()
	return r.report, err
}

func (r *runner) say(format string, values ...any) { report.Say(r.progress, format, values...) }

func (r *runner) addNotes() {
	r.report.Note("The flooded function (%s) has %d instances, and a call of it waits for %v. Capacity: a closed loop of %d clients for %v.",
		r.Runtime, r.Instances, r.Work, r.clients(), r.CapacityLength)
	r.report.Note("The flood, the calm calls (%.0f/s, a function that does not wait) and the probes (%.0f/s, of the flooded function) are open loops: latency counts from the time at which a call was meant to be sent.",
		r.Calm, r.Probes)
	r.report.Note("Every answer is checked: it must be the event of its own call, or one of %v.", allowed[2:])
}

// clients keep all instances busy and the queue short.
func (r *runner) clients() int { return 2 * r.Instances }

func (r *runner) run(ctx context.Context) error {
	r.say("starting a platform")
	own, err := platform.Start(ctx, r.Root, platform.Flags{"scaler": {"--policies=windows,schedules"}}, r.progress)
	if err != nil {
		return err
	}
	defer own.Stop()
	r.own, r.client = own, platform.NewClient("http://"+own.HTTP)
	if r.event, err = load.NewEvent(int(r.Body)); err != nil {
		return err
	}
	if r.flooded, err = r.deploy(ctx, "flooded", r.Work, r.Instances); err != nil {
		return err
	}
	if r.calmly, err = r.deploy(ctx, "calm", 0, calmInstances); err != nil {
		return err
	}
	if err := r.capacity(ctx); err != nil {
		return err
	}
	return r.flood(ctx)
}

// calmInstances is enough for calls that come by chance at the same time.
const calmInstances = 4

// hour in milliseconds; no instance is retired while it is measured.
const hour = 3_600_000

func (r *runner) deploy(ctx context.Context, name string, work time.Duration, instances int) (function, error) {
	definition, err := echo.Definition(r.Runtime, name, work)
	if err != nil {
		return function{}, err
	}
	definition = definition.With("maxInstances", instances).With("idleTimeout", hour).With("maxAge", hour)
	id, err := echo.Deploy(ctx, r.client, definition)
	if err != nil {
		return function{}, err
	}
	pool, err := platform.DialPool(r.own.Pool)
	if err != nil {
		return function{}, err
	}
	defer pool.Close()
	// One is there, of the first call.
	if instances > 1 {
		if err := pool.Warm(ctx, id, instances-1); err != nil {
			return function{}, err
		}
	}
	expectation, err := echo.LearnFrom(ctx, r.client, id, r.event)
	return function{id, expectation}, err
}

// callers of a function; `first` is the number of the first among all.
func (r *runner) callers(f function, first, count int) []load.Caller {
	var callers []load.Caller
	for i := range count {
		callers = append(callers, load.NewHTTP(r.own.HTTP, platform.InvokePath(f.id), r.event, first+i, f.expectation.REST))
	}
	return callers
}

func (r *runner) capacity(ctx context.Context) error {
	r.say("capacity, %d clients for %v", r.clients(), r.CapacityLength)
	callers := r.callers(r.flooded, 0, r.clients())
	defer load.CloseAll(callers)
	begin := r.clock.Now().Add(min(2*time.Second, r.CapacityLength/5))
	tally := load.NewTally()
	load.Closed(ctx, r.clock, callers, load.Window{Begin: begin, End: begin.Add(r.CapacityLength)}, tally.Add)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	good := tally.Good()
	if good.N == 0 {
		return fmt.Errorf("the function has no capacity: %s", tally.Counts().Errors())
	}
	r.report.Capacity = float64(good.N) / r.CapacityLength.Seconds()
	r.report.add(capacityRow, fmt.Sprintf("capacity, %d clients", r.clients()), r.CapacityLength, good, tally.Counts())
	return nil
}

// What numbers callers of the flood, calm ones and probes begin with; and how
// many of the latter two there are.
const (
	firstFlood = 1000
	firstCalm  = 50_000
	firstProbe = 60_000
	fewCallers = 16
)

// Calls of the flood that could not be sent that long after it are given up.
const grace = 5 * time.Second

// phases are the times before, in and after the flood.
type phases struct{ before, flood, after load.Window }

func (r *runner) phases() phases {
	begin := r.clock.Now().Add(100 * time.Millisecond)
	flood := begin.Add(r.Before)
	end := flood.Add(r.Length)
	return phases{load.Window{Begin: begin, End: flood}, load.Window{Begin: flood, End: end}, load.Window{Begin: end, End: end.Add(r.After)}}
}

func (r *runner) flood(ctx context.Context) error {
	r.report.Offered = r.Factor * r.report.Capacity
	r.say("%v of calm, then %.0f calls a second for %v, then %v of calm", r.Before, r.report.Offered, r.Length, r.After)
	phases := r.phases()
	var calm, probes timeline
	var group sync.WaitGroup
	steady := func(into *timeline, f function, first int, rate float64, seed uint64) {
		group.Go(func() {
			callers := r.callers(f, first, fewCallers)
			defer load.CloseAll(callers)
			length := phases.after.End.Sub(phases.before.Begin)
			load.Open(ctx, r.clock, load.Poisson(rate, seed), phases.before.Begin, length, grace, callers, into.add)
		})
	}
	steady(&calm, r.calmly, firstCalm, r.Calm, r.Seed+1)
	steady(&probes, r.flooded, firstProbe, r.Probes, r.Seed+2)
	group.Go(func() { r.pour(ctx, phases.flood) })
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.addPhases(phases, &calm, &probes)
	return r.recover(phases, &probes)
}

// pour is the flood itself.
func (r *runner) pour(ctx context.Context, window load.Window) {
	callers := r.callers(r.flooded, firstFlood, r.Connections)
	defer load.CloseAll(callers)
	schedule := load.Poisson(r.report.Offered, r.Seed)
	if r.ConstantlyPaced {
		schedule = load.Constant(r.report.Offered)
	}
	all, refused := load.NewTally(), load.NewTally()
	var served atomic.Int64
	r.clock.SleepUntil(ctx, window.Begin)
	used := load.OwnCPU()
	load.Open(ctx, r.clock, schedule, window.Begin, window.Length(), grace, callers, func(s load.Sample) {
		all.Add(s)
		if load.Good(s.Outcome) && window.Contains(s.Ended) {
			served.Add(1)
		}
		if slices.Contains(refusals, s.Outcome) {
			s.Outcome = load.OK
			refused.Add(s)
		}
	})
	r.report.DriverCPU = load.OwnCPU() - used
	r.report.Served, r.report.Late = served.Load(), all.Late()
	r.report.add(acceptedRow, "flood: accepted", window.Length(), all.Good(), all.Counts())
	r.report.add(rejectedRow, "flood: refused", window.Length(), refused.Good(), load.Counts{})
	r.say("the flood is over: %s", all.Counts().Errors())
}

func (r *runner) addPhases(p phases, calm, probes *timeline) {
	for _, each := range []struct {
		id, title string
		of        *timeline
		window    load.Window
	}{
		{calmBefore, "calm function, before", calm, p.before},
		{calmDuring, "calm function, in the flood", calm, p.flood},
		{calmAfter, "calm function, after", calm, p.after},
		{probeBefore, "probes of the flooded one, before", probes, p.before},
		{probeDuring, "probes of the flooded one, in the flood", probes, p.flood},
		{probeAfter, "probes of the flooded one, after", probes, p.after},
	} {
		tally := tallyOf(each.of.within(each.window))
		r.report.add(each.id, each.title, each.window.Length(), tally.Good(), tally.Counts())
	}
}

// recover finds out when probes were as before again, for a second.
func (r *runner) recover(p phases, probes *timeline) error {
	before := r.report.find(probeBefore).Latency
	if before.N == 0 {
		return errors.New("no probe was answered before the flood")
	}
	r.report.NormalProbe = 2 * before.P99
	r.report.Recovery, r.report.Recovered = recovery(probes.within(p.after), p.after.Begin, r.report.NormalProbe, max(1, int(r.Probes)))
	return nil
}
