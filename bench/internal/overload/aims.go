package overload

import (
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

type measure = report.Measure[*Report]

var aim = report.NewAim[*Report]

// The aims of `overload`. Whoever changes one changes what the project promises.
func aims() []report.Aim[*Report] {
	return []report.Aim[*Report]{
		aim("right answers in the flood, of the capacity", report.AtLeast(80), report.InPercent, (*Report).goodput),
		aim("refusals, p99", report.AtMost(50), report.InMilliseconds, p99(rejectedRow)),
		aim("back to normal after the flood", report.AtMost(5), report.InSeconds, (*Report).recovery),
		aim("calm function, p99 in the flood over p99 before", report.AtMost(3), report.AsRatio, report.Ratio(p99(calmDuring), p99(calmBefore))),
		aim("calm calls without a right answer", report.AtMost(0), report.AsCount, failures([]string{calmBefore, calmDuring, calmAfter}, load.OK, load.Cold)),
		aim("calls of the flooded function with an outcome that may not be", report.AtMost(0), report.AsCount,
			failures([]string{capacityRow, acceptedRow, probeBefore, probeDuring, probeAfter}, allowed...)),
	}
}

// Judge fills in Aims from everything else.
func (r *Report) Judge() { r.Aims = report.JudgeAll(r, aims()) }

func (r *Report) goodput() (float64, bool) {
	if r.Capacity <= 0 || r.Length <= 0 || r.find(acceptedRow) == nil {
		return 0, false
	}
	return 100 * float64(r.Served) / r.Length.Seconds() / r.Capacity, true
}

// recovery of a platform that has not become normal is the time it was watched.
func (r *Report) recovery() (float64, bool) {
	if r.find(probeAfter) == nil {
		return 0, false
	}
	if !r.Recovered {
		return r.After.Seconds(), true
	}
	return r.Recovery.Seconds(), true
}

func p99(id string) measure {
	return func(r *Report) (float64, bool) {
		row := r.find(id)
		if row == nil || row.Latency.N == 0 {
			return 0, false
		}
		return float64(row.Latency.P99) / float64(time.Millisecond), true
	}
}

// failures counts all outcomes but the given ones.
func failures(rows []string, except ...string) measure {
	return func(r *Report) (float64, bool) {
		var sum int64
		measured := false
		for _, id := range rows {
			if row := r.find(id); row != nil {
				measured = true
				sum += row.Counts.Except(except...)
			}
		}
		return float64(sum), measured
	}
}
