package cold

import (
	"context"
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/stats"
)

// session measures one running platform.
type session struct {
	*runner
	client *platform.Client
	// Nil when its address is not known.
	pool *platform.Pool
	// Nil when others have started it.
	own *platform.Own
	// "parked" or "none".
	how string

	functions []*function
}

// function is a runtime's hello, registered, and the rows it fills.
type function struct {
	runtime, id      string
	definition       platform.Definition
	rest, sandbox    *Measurement
	start, init, run *Measurement
}

const stepHistogram = "so_start_step_seconds"

func (s *session) measure(ctx context.Context) error {
	for _, runtime := range s.Runtimes {
		s.register(ctx, runtime)
	}
	if len(s.functions) == 0 {
		return fmt.Errorf("it accepts none of the functions")
	}
	before := s.histograms(ctx)
	for round := range s.Rounds {
		s.say("round %d of %d, parked sandboxes: %s", round+1, s.Rounds, s.how)
		// With every platform: the ratios are those of the same minutes.
		s.baselineRound(ctx, round)
		for _, f := range s.functions {
			s.restRound(ctx, f, round)
		}
		if s.how == "parked" && s.pool != nil && s.has("pool") {
			for _, f := range s.functions {
				s.poolRound(ctx, f, round)
			}
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	s.noteLate()
	s.addSteps(before, s.histograms(ctx))
	if s.how == "none" {
		return nil
	}
	s.firstResponses(ctx)
	s.rates(ctx)
	s.memory(ctx)
	return context.Cause(ctx)
}

// noteLate says which rows are of starts that waited for those before them.
func (s *session) noteLate() {
	for _, f := range s.functions {
		if f.rest.Problem == "" && f.rest.Series.Summary().P50 > s.Pace {
			s.report.Notes = append(s.report.Notes, fmt.Sprintf(
				"%s did not keep up with one start every %v: most waited for those before.", f.rest.Title, s.Pace))
		}
	}
}

// register makes the function and its rows.
func (s *session) register(ctx context.Context, runtime string) {
	suffix := "/" + runtime + "/" + s.how
	title := runtime + ", parked sandbox"
	if s.how == "none" {
		title = runtime + ", none parked"
	}
	f := &function{runtime: runtime, rest: s.report.Add("rest"+suffix, "REST: "+title)}
	definition, err := hello(runtime, fmt.Sprintf("bench-%s-%d", runtime, time.Now().UnixNano()), s.hello)
	if err == nil {
		f.definition = definition
		f.id, err = s.client.Register(ctx, definition)
	}
	if err == nil {
		err = s.client.WaitKnown(ctx, f.id)
	}
	if err != nil {
		f.rest.Problem = err.Error()
		return
	}
	f.start = s.report.Add("start"+suffix, "  of it the sandbox (receipt: start)")
	f.init = s.report.Add("init"+suffix, "  of it the code (receipt: init)")
	f.run = s.report.Add("sandbox"+suffix, "  start and init together")
	if s.how == "parked" && s.pool != nil && s.has("pool") {
		f.sandbox = s.report.Add("pool/"+runtime, "pool, gRPC Warm: "+runtime)
	}
	s.functions = append(s.functions, f)
}

func (s *session) restRound(ctx context.Context, f *function, round int) {
	if f.rest.Problem != "" {
		return
	}
	var receipts []platform.Receipt
	samples, err := stats.Paced(ctx, s.clock, s.Pace, s.WarmUp, s.inRound(s.N, 1, round), func(ctx context.Context) error {
		receipt, err := s.client.InvokeCold(ctx, f.id)
		receipts = append(receipts, receipt)
		return err
	})
	if fail(ctx, f.rest, err) {
		return
	}
	f.rest.Series.Pace = s.Pace
	f.rest.Series.Add(samples, s.WarmUp)
	receipts = receipts[s.WarmUp:]
	addPhase(f.start, receipts, func(r platform.Receipt) float64 { return r.Phases.Start })
	addPhase(f.init, receipts, func(r platform.Receipt) float64 { return r.Phases.Init })
	addPhase(f.run, receipts, func(r platform.Receipt) float64 { return r.Phases.Start + r.Phases.Init })
}

func addPhase(row *Measurement, receipts []platform.Receipt, of func(platform.Receipt) float64) {
	samples := make([]time.Duration, 0, len(receipts))
	for _, receipt := range receipts {
		samples = append(samples, time.Duration(of(receipt)*float64(time.Millisecond)))
	}
	row.Series.Add(samples, 0)
}

// poolRound makes instances that stay, so it has a function of its own, whose
// end takes them away.
func (s *session) poolRound(ctx context.Context, f *function, round int) {
	if f.sandbox.Problem != "" {
		return
	}
	err := s.withFunction(ctx, f, func(id string) error {
		samples, err := stats.Paced(ctx, s.clock, s.Pace, s.WarmUp, s.inRound(s.N, 1, round), func(ctx context.Context) error {
			return s.pool.Warm(ctx, id, 1)
		})
		if err == nil {
			f.sandbox.Series.Pace = s.Pace
			f.sandbox.Series.Add(samples, s.WarmUp)
		}
		return err
	})
	fail(ctx, f.sandbox, err)
}

// withFunction registers the same function once more, for the time of `use`.
func (s *session) withFunction(ctx context.Context, f *function, use func(id string) error) error {
	name := fmt.Sprintf("bench-%s-%d", f.runtime, time.Now().UnixNano())
	id, err := s.client.Register(ctx, f.definition.With("name", name))
	if err != nil {
		return err
	}
	if err := s.client.WaitKnown(ctx, id); err != nil {
		return err
	}
	err = use(id)
	if deleted := s.client.Delete(ctx, id); err == nil {
		err = deleted
	}
	if s.pool != nil {
		wait, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if left := s.pool.WaitEmpty(wait); err == nil {
			err = left
		}
	}
	return err
}

// firstResponses registers functions that nobody has seen, and calls them at
// once.
func (s *session) firstResponses(ctx context.Context) {
	if !s.has("first") {
		return
	}
	for _, f := range s.functions {
		row := s.report.Add("first/"+f.runtime, "registered until first response: "+f.runtime)
		s.say("%s", row.Title)
		count := 0
		samples, err := stats.Sequential(ctx, s.clock, min(s.WarmUp, 1), s.FirstN, func(ctx context.Context) error {
			count++
			definition := f.definition.With("name", fmt.Sprintf("first-%s-%d", f.runtime, time.Now().UnixNano()))
			if code, inline := definition["code"].(string); inline {
				definition = definition.With("code", code+comment(f.runtime, count))
			}
			id, err := s.client.Register(ctx, definition)
			if err == nil {
				_, err = s.client.Invoke(ctx, id)
			}
			return err
		})
		if !fail(ctx, row, err) {
			row.Series.Add(samples, min(s.WarmUp, 1))
		}
	}
}

// comment makes code that is not in any cache.
func comment(runtime string, number int) string {
	mark := "//"
	if runtime == "python" {
		mark = "#"
	}
	return fmt.Sprintf("%s %d %d\n", mark, time.Now().UnixNano(), number)
}

// fail notes why a row has no (more) numbers. An interrupt is no problem of the
// row.
func fail(ctx context.Context, row *Measurement, err error) bool {
	if err != nil && ctx.Err() == nil {
		row.Problem = err.Error()
	}
	return err != nil
}

func (s *session) histograms(ctx context.Context) map[platform.Labels]*platform.Histogram {
	exposition, err := s.client.Exposition(ctx)
	if err != nil {
		return nil
	}
	return platform.ParseHistograms(exposition, stepHistogram)
}

func (s *session) addSteps(before, after map[platform.Labels]*platform.Histogram) {
	steps := stepsBetween(s.how, before, after)
	if len(steps) == 0 {
		s.report.Miss("steps of a start, parked sandboxes: "+s.how, fmt.Errorf("the platform's metrics have no %s", stepHistogram))
	}
	s.report.Steps = append(s.report.Steps, steps...)
}
