package load

import (
	"math"
	"testing"
	"time"
)

func TestConstantKeepsItsDistanceAndDoesNotRunAway(t *testing.T) {
	schedule := Constant(3)
	var last time.Duration
	for i := range 3_000_001 {
		last = schedule.Next()
		if i == 1 && last != time.Second/3 {
			t.Fatalf("the second is at %v", last)
		}
	}
	if last != 1_000_000*time.Second {
		t.Errorf("call 3000000 is at %v", last)
	}
}

func TestPoissonHasTheRateAndTheSpreadOfChance(t *testing.T) {
	const n, rate = 100_000, 500.0
	schedule := Poisson(rate, 7)
	var before time.Duration
	var squares float64
	for range n {
		at := schedule.Next()
		if at < before {
			t.Fatalf("%v after %v", at, before)
		}
		distance := (at - before).Seconds() * rate
		squares += distance * distance
		before = at
	}
	if got := n / before.Seconds(); math.Abs(got-rate) > 0.02*rate {
		t.Errorf("the rate is %v", got)
	}
	// The mean square of exponential distances is twice that of equal ones.
	if got := squares / n; math.Abs(got-2) > 0.1 {
		t.Errorf("the mean square is %v", got)
	}
}

func TestASeedMakesTheSameSchedule(t *testing.T) {
	a, b, other := Poisson(10, 1), Poisson(10, 1), Poisson(10, 2)
	for range 100 {
		at := a.Next()
		if at != b.Next() {
			t.Fatal("the same seed made another schedule")
		}
		if at == other.Next() {
			t.Fatal("another seed made the same time")
		}
	}
}

func TestVaryingFollowsTheRate(t *testing.T) {
	const most, length = 1000.0, 20 * time.Second
	rate := func(at time.Duration) float64 {
		if at < length/2 {
			return 100
		}
		return most
	}
	schedule := Varying(rate, most, 3)
	var counts [2]float64
	for before := time.Duration(0); ; {
		at := schedule.Next()
		if at < before {
			t.Fatalf("%v after %v", at, before)
		}
		if before = at; at >= length {
			break
		}
		counts[at/(length/2)]++
	}
	if math.Abs(counts[0]-1000) > 150 || math.Abs(counts[1]-10_000) > 500 {
		t.Errorf("got %v calls", counts)
	}
}

func TestEvenHasTheDistancesOfTheRate(t *testing.T) {
	schedule := Even(func(at time.Duration) float64 {
		if at < time.Second {
			return 10
		}
		return 100
	})
	for i := range 111 {
		want := time.Duration(i) * 100 * time.Millisecond
		if i > 10 {
			want = time.Second + time.Duration(i-10)*10*time.Millisecond
		}
		if got := schedule.Next(); (got - want).Abs() > time.Millisecond {
			t.Fatalf("call %d is at %v, not %v", i, got, want)
		}
	}
}
