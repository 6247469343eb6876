package stats

import (
	"context"
	"errors"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/manualclock"
)

func milliseconds(values ...int) []time.Duration {
	var out []time.Duration
	for _, value := range values {
		out = append(out, time.Duration(value)*time.Millisecond)
	}
	return out
}

func TestPercentilesAreSamplesOfNearestRank(t *testing.T) {
	var samples []time.Duration
	for i := 100; i >= 1; i-- { // Not sorted.
		samples = append(samples, time.Duration(i))
	}
	got := Summarize(samples)
	want := Summary{N: 100, Mean: 50, P50: 50, P90: 90, P99: 99, Max: 100}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if samples[0] != 100 {
		t.Error("the samples were sorted in place")
	}
}

func TestPercentilesOfFewSamples(t *testing.T) {
	for _, c := range []struct {
		samples       []time.Duration
		p50, p90, p99 time.Duration
	}{
		{nil, 0, 0, 0},
		{[]time.Duration{7}, 7, 7, 7},
		{[]time.Duration{1, 2}, 1, 2, 2},
		{[]time.Duration{1, 2, 3}, 2, 3, 3},
		{[]time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 5, 9, 10},
	} {
		got := Summarize(c.samples)
		if got.P50 != c.p50 || got.P90 != c.p90 || got.P99 != c.p99 {
			t.Errorf("%v: got %+v", c.samples, got)
		}
	}
}

func TestPacedCountsFromTheIntendedStart(t *testing.T) {
	clock := manualclock.New()
	// The second takes so long that the third and fourth start late.
	durations := milliseconds(1, 25, 1, 1, 1)
	i := 0
	got, err := Paced(context.Background(), clock, 10*time.Millisecond, 0, len(durations), func(context.Context) error {
		clock.Advance(durations[i])
		i++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := milliseconds(1, 25, 16, 7, 1)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestWarmUpIsNotCounted(t *testing.T) {
	clock := manualclock.New()
	calls := 0
	slowAtFirst := func(context.Context) error {
		calls++
		if calls <= 2 {
			clock.Advance(time.Second)
		} else {
			clock.Advance(time.Millisecond)
		}
		return nil
	}
	got, err := Sequential(context.Background(), clock, 2, 3, slowAtFirst)
	if err != nil || len(got) != 3 || Summarize(got).Max != time.Millisecond {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAnErrorEndsTheMeasuring(t *testing.T) {
	broken := errors.New("broken")
	clock := manualclock.New()
	calls := 0
	fails := func(context.Context) error {
		clock.Advance(time.Millisecond)
		if calls++; calls == 3 {
			return broken
		}
		return nil
	}
	got, err := Sequential(context.Background(), clock, 0, 10, fails)
	if !errors.Is(err, broken) || len(got) != 2 {
		t.Errorf("sequential: %v, %v", got, err)
	}
	calls = 0
	if _, err := Looped(context.Background(), clock, 1, 0, time.Second, fails); !errors.Is(err, broken) {
		t.Errorf("looped: %v", err)
	}
}

func TestLoopedCountsWhatEndsWithinTheTime(t *testing.T) {
	clock := manualclock.New()
	got, err := Looped(context.Background(), clock, 1, 95*time.Millisecond, time.Second, func(context.Context) error {
		clock.Advance(10 * time.Millisecond)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Done != 100 || got.PerSecond() != 100 || got.Operation.P50 != 10*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}

func TestDriftIsTheRangeOfTheRoundsMedians(t *testing.T) {
	var series Series
	series.Add(milliseconds(1, 2, 3), 1)
	series.Add(milliseconds(7, 8, 9), 1)
	series.Add(nil, 1)
	lowest, highest := series.Drift()
	if lowest != 2*time.Millisecond || highest != 8*time.Millisecond || series.WarmUp != 3 {
		t.Errorf("got %v, %v, %+v", lowest, highest, series)
	}
}
