package warm

import (
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/report"
)

// Report is one run.
type Report struct {
	report.Head
	Rows []*Row `json:"rows"`
}

// Groups of processes besides those of the platform.
const (
	driver = "driver"
	server = "server"
)

// Row is one subject with so many clients and so large a body, all rounds
// together.
type Row struct {
	// "rest/<runtime>", "grpc/<runtime>", or "bare/<server>".
	Subject string `json:"subject"`
	Title   string `json:"title"`
	Clients int    `json:"clients"`
	// Bytes of the event, and of the result.
	Body int `json:"body"`

	// Of right answers.
	Latency load.Latency `json:"latency"`
	Counts  load.Counts  `json:"counts"`
	// The time measured.
	Elapsed time.Duration `json:"elapsed_ns"`
	// The median of each round.
	Medians []time.Duration `json:"medians_ns"`
	// Used in the time measured: by the platform's programs, platform.Instances
	// and platform.Waiting, or `server`; and by `driver`.
	CPU map[string]time.Duration `json:"cpu_ns"`
	// Why there are no (more) numbers.
	Problem string `json:"problem,omitempty"`

	tally *load.Tally
}

func (r *Row) add(round *load.Tally, elapsed time.Duration, cpu map[string]time.Duration) {
	r.tally.Merge(round)
	r.Latency, r.Counts = r.tally.Good(), r.tally.Counts()
	r.Elapsed += elapsed
	r.Medians = append(r.Medians, round.Good().P50)
	if r.CPU == nil {
		r.CPU = map[string]time.Duration{}
	}
	for group, used := range cpu {
		r.CPU[group] += used
	}
}

// perSecond is the number of right answers.
func (r *Row) perSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Latency.N) / r.Elapsed.Seconds()
}

// cpuEach is what groups used for one call.
func (r *Row) cpuEach(groups ...string) (time.Duration, bool) {
	var sum time.Duration
	known := false
	for _, group := range groups {
		used, has := r.CPU[group]
		sum += used
		known = known || has
	}
	calls := r.Counts.Total()
	if !known || calls == 0 {
		return 0, false
	}
	return sum / time.Duration(calls), true
}

// ofPlatform are the groups that the platform answers for: not the function.
var ofPlatform = append([]string{platform.Waiting}, platform.Programs...)

// Find returns nil when there is no such row.
func (r *Report) Find(subject string, clients, body int) *Row {
	for _, row := range r.Rows {
		if row.Subject == subject && row.Clients == clients && row.Body == body {
			return row
		}
	}
	return nil
}
