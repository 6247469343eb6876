package load

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/manualclock"
)

const millisecond = time.Millisecond

// fake answers after given times, the last of them again and again.
type fake struct {
	clock    *manualclock.Clock
	times    []time.Duration
	calls    int
	outcomes []string
}

func (f *fake) Call() string {
	f.clock.Advance(f.times[min(f.calls, len(f.times)-1)])
	outcome := OK
	if f.calls < len(f.outcomes) {
		outcome = f.outcomes[f.calls]
	}
	f.calls++
	return outcome
}

func (f *fake) Close() {}

// keep collects samples of one caller.
func keep(into *[]Sample) func(Sample) { return func(s Sample) { *into = append(*into, s) } }

func latencies(samples []Sample) []time.Duration {
	var all []time.Duration
	for _, s := range samples {
		all = append(all, s.Latency())
	}
	return all
}

func TestOpenCountsFromTheIntendedStart(t *testing.T) {
	clock := manualclock.New()
	// The second takes so long that the third and the fourth are sent late.
	caller := &fake{clock: clock, times: []time.Duration{millisecond, 25 * millisecond, millisecond}}
	begin := clock.Now().Add(time.Second)
	var samples []Sample
	Open(context.Background(), clock, Constant(100), begin, 50*millisecond, time.Second, []Caller{caller}, keep(&samples))
	want := []time.Duration{1 * millisecond, 25 * millisecond, 16 * millisecond, 7 * millisecond, 1 * millisecond}
	if got := latencies(samples); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if late := samples[2].Started.Sub(samples[2].Intended); late != 15*millisecond {
		t.Errorf("the third was sent %v late", late)
	}
	if samples[0].Intended != begin {
		t.Errorf("it began at %v, not at %v", samples[0].Intended, begin)
	}
}

func TestOpenGivesUpAfterTheGrace(t *testing.T) {
	clock := manualclock.New()
	caller := &fake{clock: clock, times: []time.Duration{40 * millisecond}}
	var samples []Sample
	Open(context.Background(), clock, Constant(100), clock.Now(), 50*millisecond, 40*millisecond, []Caller{caller}, keep(&samples))
	var outcomes []string
	for _, s := range samples {
		outcomes = append(outcomes, s.Outcome)
	}
	// At 0, 40 and 80 ms; the end with the grace is at 90 ms.
	if want := []string{OK, OK, OK, Unsent, Unsent}; !slices.Equal(outcomes, want) {
		t.Errorf("got %v", outcomes)
	}
}

func TestOpenSendsEveryCallOnceWhoeverIsFree(t *testing.T) {
	clock := manualclock.New()
	var callers []Caller
	var fakes []*fake
	for range 5 {
		f := &fake{clock: clock, times: []time.Duration{millisecond}}
		fakes, callers = append(fakes, f), append(callers, f)
	}
	var recorded atomic.Int64
	Open(context.Background(), clock, Constant(1000), clock.Now(), 300*millisecond, time.Minute, callers, func(Sample) { recorded.Add(1) })
	sent := 0
	for _, f := range fakes {
		sent += f.calls
	}
	if sent != 300 || recorded.Load() != 300 {
		t.Errorf("%d sent, %d recorded", sent, recorded.Load())
	}
}

func TestClosedCountsWhatEndsInTheWindow(t *testing.T) {
	clock := manualclock.New()
	caller := &fake{clock: clock, times: []time.Duration{10 * millisecond}}
	begin := clock.Now().Add(95 * millisecond)
	var samples []Sample
	Closed(context.Background(), clock, []Caller{caller}, Window{begin, begin.Add(time.Second)}, keep(&samples))
	if len(samples) != 100 || samples[0].Latency() != 10*millisecond || caller.calls != 110 {
		t.Errorf("%d samples of %d calls", len(samples), caller.calls)
	}
}

func TestLoopsEndWithTheirContext(t *testing.T) {
	clock := manualclock.New()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	caller := &fake{clock: clock, times: []time.Duration{millisecond}}
	ignore := func(Sample) {}
	Closed(ctx, clock, []Caller{caller}, Window{clock.Now(), clock.Now().Add(time.Hour)}, ignore)
	Open(ctx, clock, Constant(1), clock.Now(), time.Hour, 0, []Caller{caller}, ignore)
	if caller.calls != 0 {
		t.Errorf("%d calls", caller.calls)
	}
}
