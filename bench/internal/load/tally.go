package load

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Tally counts samples by their outcome. Safe for concurrent use.
type Tally struct {
	mutex  sync.Mutex
	by     map[string]*hdrhistogram.Histogram
	good   *hdrhistogram.Histogram
	late   *hdrhistogram.Histogram
	unsent int64
}

// NewTally has counted nothing.
func NewTally() *Tally {
	return &Tally{by: map[string]*hdrhistogram.Histogram{}, good: newHistogram(), late: newHistogram()}
}

// Add counts one.
func (t *Tally) Add(s Sample) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if s.Outcome == Unsent {
		t.unsent++
		return
	}
	histogram := t.by[s.Outcome]
	if histogram == nil {
		histogram = newHistogram()
		t.by[s.Outcome] = histogram
	}
	add(histogram, s.Latency())
	add(t.late, s.Started.Sub(s.Intended))
	if Good(s.Outcome) {
		add(t.good, s.Latency())
	}
}

// Merge adds what another has counted, which must be at rest.
func (t *Tally) Merge(other *Tally) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for outcome, histogram := range other.by {
		if t.by[outcome] == nil {
			t.by[outcome] = newHistogram()
		}
		t.by[outcome].Merge(histogram)
	}
	t.good.Merge(other.good)
	t.late.Merge(other.late)
	t.unsent += other.unsent
}

// Good is the latency of right answers.
func (t *Tally) Good() Latency {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return summarize(t.good)
}

// Of is the latency of one outcome.
func (t *Tally) Of(outcome string) Latency {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return summarize(t.by[outcome])
}

// Late is how long after their time calls were sent: how well the driver and its
// connections kept up.
func (t *Tally) Late() Latency {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return summarize(t.late)
}

// Counts are how often each outcome was seen.
type Counts map[string]int64

// Counts of everything.
func (t *Tally) Counts() Counts {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	counts := Counts{}
	for outcome, histogram := range t.by {
		counts[outcome] = histogram.TotalCount()
	}
	if t.unsent > 0 {
		counts[Unsent] = t.unsent
	}
	return counts
}

// Total of all outcomes.
func (c Counts) Total() int64 {
	var total int64
	for _, count := range c {
		total += count
	}
	return total
}

// Except is how many had none of these outcomes.
func (c Counts) Except(outcomes ...string) int64 {
	var total int64
	for outcome, count := range c {
		if !slices.Contains(outcomes, outcome) {
			total += count
		}
	}
	return total
}

// Errors names what is not a right answer, the most frequent first.
func (c Counts) Errors() string {
	type entry struct {
		outcome string
		count   int64
	}
	var entries []entry
	for outcome, count := range c {
		if !Good(outcome) {
			entries = append(entries, entry{outcome, count})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.outcome, b.outcome))
	})
	var words []string
	for _, e := range entries {
		words = append(words, fmt.Sprintf("%d %s", e.count, e.outcome))
	}
	return strings.Join(words, ", ")
}
