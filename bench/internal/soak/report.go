package soak

import (
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/report"
)

// Report is one run.
type Report struct {
	report.Head
	Tolerance Tolerance  `json:"tolerance"`
	Functions []Function `json:"functions"`
	Looks     []Look     `json:"looks"`
}

// Function is one that was called all the time.
type Function struct {
	Runtime string        `json:"runtime"`
	ID      string        `json:"id"`
	Elapsed time.Duration `json:"elapsed_ns"`
	Latency load.Latency  `json:"latency"`
	Counts  load.Counts   `json:"counts"`
}

// Look is one at everything.
type Look struct {
	// Since the watching began.
	At     time.Duration  `json:"at_ns"`
	Groups map[string]Use `json:"groups"`
	// As /metrics shows them.
	Functions []platform.FunctionMetrics `json:"functions"`
	// The latency of the slowest call that has ended since the look before.
	Slowest time.Duration `json:"slowest_ns"`
	// What could not be seen.
	Problem string `json:"problem,omitempty"`
}

// Use is what the processes of a group take together.
type Use struct {
	PIDs []int `json:"pids"`
	// Bytes; shared pages count in each process.
	RSS         float64 `json:"rss"`
	Descriptors int     `json:"descriptors"`
}

// sandboxes are those with a function, and the processes that wait for one.
func (l Look) sandboxes() int {
	count := len(l.Groups[platform.Waiting].PIDs)
	for _, function := range l.Functions {
		count += function.Total
	}
	return count
}

// supervisor is a group too.
const supervisor = "supervisor"

// groupOrder is that of the table.
var groupOrder = append(slices.Clone(platform.Programs), supervisor, platform.Waiting, platform.Instances)

// leastLooks are two in each third.
const leastLooks = 6

// usable are the looks that saw everything.
func (r *Report) usable() []Look {
	return slices.DeleteFunc(slices.Clone(r.Looks), func(l Look) bool { return l.Problem != "" })
}

// badStates counts the looks at which the states of a function did not add up.
func (r *Report) badStates() int {
	bad := 0
	for _, look := range r.Looks {
		if slices.ContainsFunc(look.Functions, func(m platform.FunctionMetrics) bool { return !m.AddUp() }) {
			bad++
		}
	}
	return bad
}

// restarts counts the programs of the platform that were another process than at
// the look before.
func (r *Report) restarts() int {
	count := 0
	looks := r.usable()
	for i := 1; i < len(looks); i++ {
		for _, program := range platform.Programs {
			if !slices.Equal(looks[i-1].Groups[program].PIDs, looks[i].Groups[program].PIDs) {
				count++
			}
		}
	}
	return count
}

// failures counts calls without a right answer.
func (r *Report) failures() int64 {
	var sum int64
	for _, f := range r.Functions {
		sum += f.Counts.Except(load.OK, load.Cold)
	}
	return sum
}
