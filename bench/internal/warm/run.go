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
	r.report.Note("Each row is measured for %v in each of %d rounds, in turns, after %v that do not count. Every answer is compared with what its call must get.", r.Length, r.Rounds, r.WarmUp)
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
	own, err := platform.Start(ctx, r.Root, platform.Flags{"scaler": {"--min_warm=0"}}, r.progress)
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
	for _, runtime := range r.Runtimes {
		r.say("deploying %s", runtime)
		function, err := deploy(ctx, own, client, pool, runtime, r.Instances, slices.Max(r.Clients))
		if err != nil {
			r.report.Miss("the platform, "+runtime, err)
			continue
		}
		r.subjects = append(r.subjects, function.rest())
		if slices.Contains(r.grpc(), runtime) {
			r.subjects = append(r.subjects, function.grpc())
		}
	}
	return r.rounds(ctx)
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
	tally, cpu := window(ctx, callers, &cpuMeter{groups: groups}, r.WarmUp, r.Length)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	row.add(tally, r.Length, cpu)
	if tally.Good().N == 0 {
		return fmt.Errorf("%w: %s", errNoAnswer, tally.Counts().Errors())
	}
	return nil
}

// window is a closed loop, and the processor time that was used meanwhile.
func window(ctx context.Context, callers []load.Caller, meter *cpuMeter, warmUp, length time.Duration) (*load.Tally, map[string]time.Duration) {
	var clock load.Clock
	begin := clock.Now().Add(warmUp)
	measured := load.Window{Begin: begin, End: begin.Add(length)}
	used := make(chan map[string]time.Duration, 1)
	go func() {
		clock.SleepUntil(ctx, measured.Begin)
		meter.begin()
		clock.SleepUntil(ctx, measured.End)
		used <- meter.end()
	}()
	tally := load.NewTally()
	load.Closed(ctx, clock, callers, measured, tally.Add)
	return tally, <-used
}
