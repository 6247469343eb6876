package load

import (
	"testing"
	"time"
)

func sample(outcome string, late, took time.Duration) Sample {
	intended := time.Unix(1000, 0)
	return Sample{Intended: intended, Started: intended.Add(late), Ended: intended.Add(late + took), Outcome: outcome}
}

// near is within what a histogram tells apart.
func near(got, want time.Duration) bool {
	return (got - want).Abs() <= want/500+time.Microsecond
}

func TestTallyKeepsOutcomesApart(t *testing.T) {
	tally := NewTally()
	for i := 1; i <= 1000; i++ {
		tally.Add(sample(OK, 0, time.Duration(i)*millisecond))
	}
	tally.Add(sample(Cold, 2*time.Second, time.Second))
	tally.Add(sample("QUEUE_FULL", 0, 5*millisecond))
	tally.Add(sample("QUEUE_FULL", 0, 5*millisecond))
	tally.Add(sample(Wrong, 0, millisecond))
	tally.Add(Sample{Outcome: Unsent})

	good := tally.Good()
	if good.N != 1001 || !near(good.P50, 501*millisecond) || !near(good.P99, 991*millisecond) || !near(good.P999, time.Second) || !near(good.Max, 3*time.Second) {
		t.Errorf("good: %+v", good)
	}
	if full := tally.Of("QUEUE_FULL"); full.N != 2 || !near(full.P50, 5*millisecond) {
		t.Errorf("full: %+v", full)
	}
	if late := tally.Late(); late.N != 1004 || !near(late.Max, 2*time.Second) {
		t.Errorf("late: %+v", late)
	}
	counts := tally.Counts()
	if counts.Total() != 1005 || counts.Except(OK, Cold, "QUEUE_FULL") != 2 {
		t.Errorf("counts: %v", counts)
	}
	if got := counts.Errors(); got != "2 QUEUE_FULL, 1 WRONG ANSWER, 1 not sent" {
		t.Errorf("errors: %q", got)
	}
}

func TestTalliesOfRoundsAddUp(t *testing.T) {
	all := NewTally()
	for round := 1; round <= 3; round++ {
		one := NewTally()
		one.Add(sample(OK, 0, time.Duration(round)*millisecond))
		one.Add(sample(Wrong, 0, time.Duration(round)*millisecond))
		all.Merge(one)
	}
	if good := all.Good(); good.N != 3 || !near(good.P50, 2*millisecond) || all.Counts()[Wrong] != 3 || all.Late().N != 6 {
		t.Errorf("good %+v, counts %v", good, all.Counts())
	}
}

func TestNothingMeasuredIsAllZero(t *testing.T) {
	tally := NewTally()
	if tally.Good() != (Latency{}) || tally.Of("x") != (Latency{}) || tally.Counts().Total() != 0 {
		t.Error("it has numbers")
	}
}

func TestValuesBeyondTheHistogramCountAtItsEnd(t *testing.T) {
	tally := NewTally()
	tally.Add(sample(OK, 0, time.Hour))
	tally.Add(sample(OK, 0, 0))
	if good := tally.Good(); good.N != 2 || !near(good.Max, longest) {
		t.Errorf("%+v", good)
	}
}
