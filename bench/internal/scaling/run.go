package scaling

import (
	"context"
	"fmt"
	"io"
	"os"
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
	event    load.Event
}

// Run measures, and returns what it has when it is interrupted too.
func (o *Options) Run(ctx context.Context, command string, progress io.Writer) (report.Results, error) {
	r := &runner{Options: o, progress: progress, report: &Report{
		Head: report.NewHead("scaling", command), Length: o.Length, Low: o.Low, High: o.High,
		Work: o.Work, MemoryMB: o.MemoryMB, Settle: settling(o.IdleTimeout)}}
	r.report.Machine.AddPrograms(ctx, o.Root, "node", "python3")
	r.addNotes()
	err := r.run(ctx)
	r.report.Took = time.Since(r.report.Started)
	r.report.Judge()
	if o.SVG != "" && err == nil {
		err = os.WriteFile(o.SVG, []byte(r.report.Picture()), 0o644)
	}
	return r.report, err
}

func (r *runner) say(format string, values ...any) { report.Say(r.progress, format, values...) }

func (r *runner) addNotes() {
	r.report.Note("One function (%s, %d MB, at most %d instances, which may be idle for %v); a call of it waits for %v. It is called %.0f to %.0f times a second for %v, %s, in an open loop: latency counts from the time at which a call was meant to be sent. The instances are looked at every %v.",
		r.Runtime, r.MemoryMB, r.Instances, r.IdleTimeout, r.Work, r.Low, r.High, r.Length, r.pace(), r.Every)
	for _, scaler := range scalers {
		r.report.Note("Scaler %s: flags %v, on a platform of its own.", scaler.name, scaler.flags)
	}
}

func (r *runner) pace() string {
	if r.Chance {
		return "by chance (Poisson)"
	}
	return "at distances that only the rate changes"
}

func (r *runner) run(ctx context.Context) error {
	var err error
	if r.event, err = load.NewEvent(64); err != nil {
		return err
	}
	for _, scaler := range scalers {
		if err := r.measure(ctx, scaler.name, scaler.flags); err != nil {
			return fmt.Errorf("scaler %s: %w", scaler.name, err)
		}
	}
	return nil
}

// measure is all shapes under one setting of the scaler.
func (r *runner) measure(ctx context.Context, scaler string, flags []string) error {
	r.say("starting a platform, scaler %s", scaler)
	own, err := platform.Start(ctx, r.Root, platform.Flags{"scaler": flags}, r.progress)
	if err != nil {
		return err
	}
	defer own.Stop()
	client := platform.NewClient("http://" + own.HTTP)
	for _, name := range r.Shapes {
		s, _ := findShape(name)
		r.say("%s, scaler %s, %v", name, scaler, r.Length)
		row, err := r.offer(ctx, own, client, s)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		row.Scaler = scaler
		r.report.Rows = append(r.report.Rows, row)
	}
	return nil
}

// Calls that could not be sent that long after the end are given up.
const grace = 5 * time.Second

// offer calls a function of its own, which has the one instance of its first
// call.
func (r *runner) offer(ctx context.Context, own *platform.Own, client *platform.Client, s shape) (Row, error) {
	definition, err := echo.Definition(r.Runtime, s.name, r.Work)
	if err != nil {
		return Row{}, err
	}
	definition = definition.With("maxInstances", r.Instances).With("memory", r.MemoryMB).With("idleTimeout", r.IdleTimeout.Milliseconds())
	id, err := echo.Deploy(ctx, client, definition)
	if err != nil {
		return Row{}, err
	}
	expectation, err := echo.LearnFrom(ctx, client, id, r.event)
	if err != nil {
		return Row{}, err
	}
	var callers []load.Caller
	for i := range r.Connections {
		callers = append(callers, load.NewHTTP(own.HTTP, platform.InvokePath(id), r.event, 1000+i, expectation.REST))
	}
	defer load.CloseAll(callers)

	tally := load.NewTally()
	row := Row{Shape: s.name}
	begin := r.clock.Now().Add(r.Every)
	var lookErr error
	var group sync.WaitGroup
	group.Go(func() { row.Looks, lookErr = r.look(ctx, client, id, begin) })
	load.Open(ctx, r.clock, r.schedule(s), begin, r.Length, grace, callers, tally.Add)
	group.Wait()
	if ctx.Err() != nil {
		return row, context.Cause(ctx)
	}
	row.Latency, row.Counts, row.Late = tally.Good(), tally.Counts(), tally.Late()
	if lookErr != nil {
		return row, lookErr
	}
	// Its instances would take memory from the next one's.
	return row, client.Delete(ctx, id)
}

func (r *runner) schedule(s shape) load.Schedule {
	rate := s.of(r.Low, r.High, r.Length)
	if r.Chance {
		return load.Varying(rate, r.High, r.Seed)
	}
	return load.Even(rate)
}

// look at the instances until the end of the load.
func (r *runner) look(ctx context.Context, client *platform.Client, id string, begin time.Time) ([]Look, error) {
	var looks []Look
	for next := begin; next.Sub(begin) <= r.Length && ctx.Err() == nil; next = next.Add(r.Every) {
		r.clock.SleepUntil(ctx, next)
		metrics, err := client.Metrics(ctx)
		if err != nil {
			return looks, err
		}
		for _, m := range metrics {
			if m.FunctionID == id {
				looks = append(looks, Look{At: r.clock.Now().Sub(begin), Ready: m.Warm + m.Busy, Warming: m.Warming, Total: m.Total})
			}
		}
	}
	return looks, nil
}
