package overload

import (
	"slices"
	"sync"
	"time"

	"serverless-orchestrator/bench/internal/load"
)

// timeline keeps every sample of calls that are few. Safe for concurrent use.
type timeline struct {
	mutex   sync.Mutex
	samples []load.Sample
}

func (t *timeline) add(s load.Sample) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.samples = append(t.samples, s)
}

// within are the samples that were meant to begin in a window, in that order.
func (t *timeline) within(window load.Window) []load.Sample {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var found []load.Sample
	for _, s := range t.samples {
		if window.Contains(s.Intended) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b load.Sample) int { return a.Intended.Compare(b.Intended) })
	return found
}

func tallyOf(samples []load.Sample) *load.Tally {
	tally := load.NewTally()
	for _, s := range samples {
		tally.Add(s)
	}
	return tally
}

// recovery is how long after the end of a flood the first of `streak` probes in
// a row was meant to begin that were all answered rightly and in time. The
// probes are those after the flood, in their order.
func recovery(probes []load.Sample, floodEnd time.Time, inTime time.Duration, streak int) (time.Duration, bool) {
	inRow := 0
	for i, probe := range probes {
		if !load.Good(probe.Outcome) || probe.Latency() > inTime {
			inRow = 0
			continue
		}
		if inRow++; inRow == streak {
			return max(0, probes[i-streak+1].Intended.Sub(floodEnd)), true
		}
	}
	return 0, false
}
