package warm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/bare"
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/report"
)

// runner is one run.
type runner struct {
	*Options
	progress io.Writer
	report   *Report
	subjects []*subject
}

// Run measures, and returns what it has when it is interrupted too.
func (o *Options) Run(ctx context.Context, command string, progress io.Writer) (report.Results, error) {
	r := &runner{Options: o, progress: progress, report: &Report{Head: report.NewHead("warm", command)}}
	r.report.Machine.AddPrograms(ctx, o.Root, "node", "python3")
	r.addNotes()
	err := r.run(ctx)
	r.report.Took = time.Since(r.report.Started)
	r.report.Judge()
	return r.report, err
}

func (r *runner) say(format string, values ...any) { report.Say(r.progress, format, values...) }

func (r *runner) addNotes() {
	r.report.Note("Closed loop: each client calls again as soon as it has its answer, over a connection of its own that it keeps (gRPC: one for all).")
	r.report.Note("Each row is measured for %v in each of %d rounds, in turns, after %v that do not count; longer where calls take so long that less would see the quick ones only. Every answer is compared with what its call must get.", r.Length, r.Rounds, r.WarmUp)
	r.report.Note("The functions may have %d instances each, all of which are started before. Driver and servers share the processors.", r.Instances)
	r.report.Note("Processor times are those of the kernel, in steps of 10 ms a process and round.")
}

func (r *runner) run(ctx context.Context) error {
	for _, kind := range r.Servers {
		running, err := bare.Start(ctx, kind)
		if err != nil {
			r.report.Miss("bare server "+kind, err)
			continue
		}
		defer running.Stop()
		r.subjects = append(r.subjects, bareSubject(kind, running))
	}
	r.say("starting a platform")
	// The scaler starts nothing that is not asked for.
	own, err := platform.Start(ctx, r.Root, platform.Flags{"scaler": {"--policies=windows,schedules"}}, r.progress)
	if err != nil {
		return err
	}
	defer own.Stop()
	pool, err := platform.DialPool(own.Pool)
	if err != nil {
		return err
	}
	defer pool.Close()
	client := platform.NewClient("http://" + own.HTTP)
	for _, shape := range r.shapes() {
		r.say("deploying %s", shape.title())
		function, err := deploy(ctx, own, client, pool, shape, r.Instances, slices.Max(r.Clients))
		if err != nil {
			r.report.Miss("the platform, "+shape.title(), err)
			continue
		}
		r.subjects = append(r.subjects, function.rest())
		if shape.concurrency == 1 && slices.Contains(r.grpc(), shape.runtime) {
			r.subjects = append(r.subjects, function.grpc())
		}
	}
	return r.rounds(ctx)
}

// shapes are the functions to call, those of a runtime one after the other.
func (r *runner) shapes() []shape {
	var shapes []shape
	for _, runtime := range r.Runtimes {
		shapes = append(shapes, shape{runtime, 1})
		if slices.Contains(r.Concurrent, runtime) {
			shapes = append(shapes, shape{runtime, concurrency})
		}
	}
	return shapes
}

// rounds goes through all rows, those that are compared one after the other.
func (r *runner) rounds(ctx context.Context) error {
	for round := range r.Rounds {
		for _, body := range r.Bodies {
			for _, clients := range r.Clients {
				r.say("round %d of %d: %v bytes, %d clients", round+1, r.Rounds, body, clients)
				for _, s := range r.subjects {
					row := r.row(s, clients, int(body))
					if row.Problem != "" {
						continue
					}
					if err := r.measure(ctx, s, row); err != nil && ctx.Err() == nil {
						row.Problem = err.Error()
					}
					if ctx.Err() != nil {
						return context.Cause(ctx)
					}
				}
			}
		}
	}
	return nil
}

func (r *runner) row(s *subject, clients, body int) *Row {
	row := r.report.Find(s.id, clients, body)
	if row == nil {
		row = &Row{Subject: s.id, Title: s.title, Clients: clients, Body: body, tally: load.NewTally()}
		r.report.Rows = append(r.report.Rows, row)
	}
	return row
}

var errNoAnswer = errors.New("no right answer in a round")

// measure is one round of one row.
func (r *runner) measure(ctx context.Context, s *subject, row *Row) error {
	event, err := load.NewEvent(row.Body)
	if err != nil {
		return err
	}
	expectation, err := s.expect(ctx, event)
	if err != nil {
		return fmt.Errorf("the first call: %w", err)
	}
	dial, done, err := s.dial(event, expectation)
	if err != nil {
		return err
	}
	defer done()
	var callers []load.Caller
	for number := range row.Clients {
		callers = append(callers, dial(number))
	}
	defer load.CloseAll(callers)
	groups, err := s.processes()
	if err != nil {
		return err
	}
	var clock load.Clock
	begin := clock.Now()
	load.Closed(ctx, clock, callers, load.Window{Begin: begin, End: begin.Add(r.WarmUp)}, func(load.Sample) {})
	measured := windowAfter(clock.Now(), clock.Now().Sub(begin), r.WarmUp, r.Length)
	tally, cpu := observe(ctx, clock, callers, &cpuMeter{groups: groups}, measured)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	row.add(tally, measured.Length(), cpu)
	if tally.Good().N == 0 {
		return fmt.Errorf("%w: %s", errNoAnswer, tally.Counts().Errors())
	}
	return nil
}

// windowAfter is what is measured after a warm-up that was meant to take one
// time and took another, since its last calls had to be waited for: as long as
// they took, nothing is counted again, for all clients begin at once. The window
// is so long that slow calls fit into it more than once; otherwise only the
// quick ones among them would be seen.
func windowAfter(now time.Time, warmUpTook, warmUp, length time.Duration) load.Window {
	begin := now.Add(max(0, warmUpTook-warmUp))
	return load.Window{Begin: begin, End: begin.Add(max(length, 2*warmUpTook))}
}

// observe is a closed loop, and the processor time that was used meanwhile.
func observe(ctx context.Context, clock load.Clock, callers []load.Caller, meter *cpuMeter, window load.Window) (*load.Tally, map[string]time.Duration) {
	used := make(chan map[string]time.Duration, 1)
	go func() {
		clock.SleepUntil(ctx, window.Begin)
		meter.begin()
		clock.SleepUntil(ctx, window.End)
		used <- meter.end()
	}()
	tally := load.NewTally()
	load.Closed(ctx, clock, callers, window, tally.Add)
	return tally, <-used
}
