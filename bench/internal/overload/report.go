package overload

import (
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

// Report is one run.
type Report struct {
	report.Head
	// Right answers a second of the flooded function, in a closed loop.
	Capacity float64 `json:"capacity"`
	// Calls a second that the flood offers.
	Offered float64 `json:"offered"`
	// How long it lasts, and how long it is watched after.
	Length time.Duration `json:"length_ns"`
	After  time.Duration `json:"after_ns"`
	// Right answers that came while it lasted.
	Served int64 `json:"served"`
	Rows   []Row `json:"rows"`
	// Processor time that the driver used while it lasted.
	DriverCPU time.Duration `json:"driver_cpu_ns"`
	// How long after their time calls of the flood were sent.
	Late load.Latency `json:"late"`
	// From the end of the flood to the first probe of a second of normal ones.
	Recovery  time.Duration `json:"recovery_ns"`
	Recovered bool          `json:"recovered"`
	// A probe that takes no longer is normal.
	NormalProbe time.Duration `json:"normal_probe_ns"`
}

// Row is one kind of calls in one phase.
type Row struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Of the phase.
	Elapsed time.Duration `json:"elapsed_ns"`
	Latency load.Latency  `json:"latency"`
	// Of all calls of this kind, with those that are not in the latency.
	Counts load.Counts `json:"counts"`
}

// The rows.
const (
	capacityRow = "capacity"
	acceptedRow = "flood/accepted"
	rejectedRow = "flood/rejected"
	calmBefore  = "calm/before"
	calmDuring  = "calm/during"
	calmAfter   = "calm/after"
	probeBefore = "probe/before"
	probeDuring = "probe/during"
	probeAfter  = "probe/after"
)

func (r *Report) add(id, title string, elapsed time.Duration, latency load.Latency, counts load.Counts) {
	r.Rows = append(r.Rows, Row{id, title, elapsed, latency, counts})
}

// find returns nil when there is no such row.
func (r *Report) find(id string) *Row {
	for i := range r.Rows {
		if r.Rows[i].ID == id {
			return &r.Rows[i]
		}
	}
	return nil
}

// Refusals that a platform with too much to do may answer at once.
var refusals = []string{"QUEUE_FULL", "NO_CAPACITY"}

// What else may be answered to a call of a flooded function.
var allowed = append([]string{load.OK, load.Cold, "QUEUE_TIMEOUT"}, refusals...)
