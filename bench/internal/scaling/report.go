package scaling

import (
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

// Report is one run.
type Report struct {
	report.Head
	Length   time.Duration `json:"length_ns"`
	Low      float64       `json:"low"`
	High     float64       `json:"high"`
	Work     time.Duration `json:"work_ns"`
	MemoryMB int           `json:"memory_mb"`
	// How long after a change of the rate instances may still move.
	Settle time.Duration `json:"settle_ns"`
	Rows   []Row         `json:"rows"`
}

// Row is one shape under one setting of the scaler.
type Row struct {
	Shape  string `json:"shape"`
	Scaler string `json:"scaler"`
	// From the beginning of the load to its end.
	Looks   []Look       `json:"looks"`
	Latency load.Latency `json:"latency"`
	Counts  load.Counts  `json:"counts"`
	Late    load.Latency `json:"late"`
}

// The settings that are compared, in the order in which they are measured.
const (
	byThresholds = "thresholds"
	byDefault    = "default"
)

var scalers = []struct {
	name  string
	flags []string
}{
	{byThresholds, []string{"--policies=thresholds", "--evaluation_interval=5s"}},
	{byDefault, nil},
}

func findShape(name string) (shape, bool) {
	for _, s := range shapes {
		if s.name == name {
			return s, true
		}
	}
	return shape{}, false
}

// offered is how many calls of a shape run at once when none has to wait.
func (r *Report) offered(s shape) func(time.Duration) float64 {
	rate := s.of(r.Low, r.High, r.Length)
	return func(at time.Duration) float64 { return rate(at) * r.Work.Seconds() }
}

func (r *Report) timeToEnough(row Row) (time.Duration, bool) {
	s, known := findShape(row.Shape)
	if !known {
		return 0, false
	}
	rise := time.Duration(s.rise * float64(r.Length))
	return timeToEnough(row.Looks, rise, r.High*r.Work.Seconds())
}

func (r *Report) short(row Row) time.Duration {
	s, known := findShape(row.Shape)
	if !known {
		return 0
	}
	return short(row.Looks, r.offered(s))
}

// changes is false for a shape that is never steady for long enough.
func (r *Report) changes(row Row) (int, bool) {
	s, _ := findShape(row.Shape)
	windows := s.windows(r.Length, r.Settle)
	return directionChanges(row.Looks, windows), len(windows) > 0
}

func (r *Report) gbSeconds(row Row) float64 {
	return instanceSeconds(row.Looks) * float64(r.MemoryMB) / 1024
}

// Sections are what is shown.
func (r *Report) Sections() []report.Section {
	t := report.NewTable("shape", "scaler", "enough after s", "short s", "p50 ms", "p99 ms", "max ms", "calls", "cold", "instances", "mean", "GB-s", "turns when steady", "no right answer").Left(1, 13)
	for _, row := range r.Rows {
		least, mean, most := extent(row.Looks)
		enough, turns := "never", "-"
		if after, reached := r.timeToEnough(row); reached {
			enough = fmt.Sprintf("%.1f", after.Seconds())
		}
		if changes, measured := r.changes(row); measured {
			turns = fmt.Sprint(changes)
		}
		t.Add(row.Shape, row.Scaler, enough, fmt.Sprintf("%.1f", r.short(row).Seconds()), report.Milliseconds(row.Latency.P50), report.Milliseconds(row.Latency.P99),
			report.Milliseconds(row.Latency.Max), fmt.Sprint(row.Counts.Total()), fmt.Sprint(row.Counts[load.Cold]), fmt.Sprintf("%d to %d", least, most), fmt.Sprintf("%.1f", mean),
			fmt.Sprintf("%.1f", r.gbSeconds(row)), turns, none(row.Counts.Errors()))
	}
	words := []string{
		"enough after: from the moment at which the rate is highest until as many instances are ready as calls then run at once. short: for how long fewer were ready than that, by the rate of each moment.",
		fmt.Sprintf("turns when steady: how often the number of instances changed its direction while the rate did not, or only fell; the first %v of such times do not count.", r.Settle),
	}
	return r.Wrap(report.Section{Title: "Scaling", Words: words, Table: t})
}

func none(errors string) string {
	if errors == "" {
		return "0"
	}
	return errors
}
