package soak

import (
	"slices"

	"serverless-orchestrator/bench/internal/report"
)

type measure = report.Measure[*Report]

var aim = report.NewAim[*Report]

// The aims of `soak`.
func aims() []report.Aim[*Report] {
	watched := func(of func(*Report) float64) measure {
		return func(r *Report) (float64, bool) { return of(r), len(r.usable()) >= leastLooks }
	}
	return []report.Aim[*Report]{
		aim("programs whose memory grows beyond the tolerance", report.AtMost(0), report.AsCount,
			watched(growing(trend.memoryExcess))),
		aim("programs whose open files grow beyond the tolerance", report.AtMost(0), report.AsCount,
			watched(growing(trend.descriptorExcess))),
		aim("looks at which the states of instances do not add up", report.AtMost(0), report.AsCount,
			watched(func(r *Report) float64 { return float64(r.badStates()) })),
		aim("looks that failed", report.AtMost(0), report.AsCount,
			watched(func(r *Report) float64 { return float64(len(r.Looks) - len(r.usable())) })),
		aim("programs that were started again", report.AtMost(0), report.AsCount,
			watched(func(r *Report) float64 { return float64(r.restarts()) })),
		aim("calls without a right answer", report.AtMost(0), report.AsCount,
			watched(func(r *Report) float64 { return float64(r.failures()) })),
	}
}

func growing(excess func(trend, Tolerance) float64) func(*Report) float64 {
	return func(r *Report) float64 {
		count := 0
		for _, t := range r.trends() {
			if excess(t, r.Tolerance) > 0 {
				count++
			}
		}
		return float64(count)
	}
}

// Judge fills in Aims from everything else.
func (r *Report) Judge() { r.Aims = report.JudgeAll(r, aims()) }

// passed is whether all aims were met.
func (r *Report) passed() bool {
	return !slices.ContainsFunc(r.Aims, func(v report.Verdict) bool { return v.Outcome != report.Pass })
}
