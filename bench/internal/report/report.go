// Package report holds what a run has measured, judges it by the aims, and shows
// it as text, Markdown and JSON.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"serverless-orchestrator/bench/internal/machine"
	"serverless-orchestrator/bench/internal/stats"
)

// Report is one run.
type Report struct {
	Command string        `json:"command"`
	Started time.Time     `json:"started"`
	Took    time.Duration `json:"took_ns"`
	Machine machine.Facts `json:"machine"`
	// How it was measured.
	Notes  []string       `json:"notes"`
	Starts []*Measurement `json:"starts"`
	Steps  []Step         `json:"steps"`
	Memory []Memory       `json:"memory"`
	// What could not be measured as a whole, and why.
	Missing []Missing `json:"missing"`
	Aims    []Verdict `json:"aims"`
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

// Missing is a part of the run that gave nothing.
type Missing struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
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

// Miss notes what could not be measured.
func (r *Report) Miss(what string, reason error) {
	r.Missing = append(r.Missing, Missing{what, reason.Error()})
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

// WriteJSON writes everything, raw samples too.
func (r *Report) WriteJSON(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// ReadJSON reads what WriteJSON wrote.
func ReadJSON(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}
