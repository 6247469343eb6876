package cold

import (
	"time"

	"serverless-orchestrator/bench/internal/report"
	"serverless-orchestrator/bench/internal/stats"
)

// Report is one run.
type Report struct {
	report.Head
	Starts []*Measurement `json:"starts"`
	Steps  []Step         `json:"steps"`
	Memory []Memory       `json:"memory"`
}

// Measurement is one way to start something: a row of the table.
type Measurement struct {
	// "<who>/<program>" or "<who>/<program>/<how>".
	ID     string       `json:"id"`
	Title  string       `json:"title"`
	Series stats.Series `json:"series"`
	Rates  []stats.Rate `json:"rates"`
	// Why there are no numbers.
	Problem string `json:"problem,omitempty"`
}

// Step is one part of starts, as the platform counts them.
type Step struct {
	Runtime string `json:"runtime"`
	// "parked" or "none": whether parked sandboxes were there.
	How   string        `json:"how"`
	Name  string        `json:"name"`
	Count uint64        `json:"count"`
	Mean  time.Duration `json:"mean_ns"`
	// Upper bound of the histogram's bucket that it lies in; 0 beyond the last.
	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
}

// Memory is what idle instances of a runtime take, each.
type Memory struct {
	Runtime   string `json:"runtime"`
	Instances int    `json:"instances"`
	// Bytes an instance; proportional: pages shared by n processes count 1/n.
	PSS float64 `json:"pss"`
	// The part of PSS that is the function's own program, where that is a
	// process of its own.
	OwnPSS float64 `json:"own_pss"`
	// What the memory cgroup counts, kernel memory with it.
	Cgroup float64 `json:"cgroup"`
	// How much less memory the machine had available than without them.
	Available float64 `json:"available"`
	Problem   string  `json:"problem,omitempty"`
}

// Add makes a row and returns it, to be filled.
func (r *Report) Add(id, title string) *Measurement {
	row := &Measurement{ID: id, Title: title}
	r.Starts = append(r.Starts, row)
	return row
}

// Find returns nil when there is no such row.
func (r *Report) Find(id string) *Measurement {
	for _, row := range r.Starts {
		if row.ID == id {
			return row
		}
	}
	return nil
}

// rate is that of so many loops; false when it was not measured.
func (m *Measurement) rate(loops int) (stats.Rate, bool) {
	for _, rate := range m.Rates {
		if rate.Loops == loops {
			return rate, true
		}
	}
	return stats.Rate{}, false
}

// best is the highest rate; false when none was measured.
func (m *Measurement) best() (stats.Rate, bool) {
	var best stats.Rate
	for _, rate := range m.Rates {
		if rate.PerSecond() > best.PerSecond() {
			best = rate
		}
	}
	return best, best.Done > 0
}
