package scaling

import (
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

type measure = report.Measure[*Report]

var aim = report.NewAim[*Report]

// The aims of `scaling`. Whoever changes one changes what the project promises.
func aims() []report.Aim[*Report] {
	return []report.Aim[*Report]{
		aim("default: turns of the number of instances while the load is steady", report.AtMost(0), report.AsCount, (*Report).defaultTurns),
		aim("calls without a right answer, under both", report.AtMost(0), report.AsCount, (*Report).failures),
		aim("default: step, time until enough instances are ready", report.AtMost(5), report.InSeconds, enough(byDefault, "step")),
	}
}

// Judge fills in Aims from everything else.
func (r *Report) Judge() { r.Aims = report.JudgeAll(r, aims()) }

func (r *Report) find(scaler, shape string) *Row {
	for i := range r.Rows {
		if r.Rows[i].Scaler == scaler && r.Rows[i].Shape == shape {
			return &r.Rows[i]
		}
	}
	return nil
}

func (r *Report) defaultTurns() (float64, bool) {
	sum, measured := 0, false
	for _, row := range r.Rows {
		if row.Scaler != byDefault {
			continue
		}
		if changes, steady := r.changes(row); steady {
			sum += changes
			measured = true
		}
	}
	return float64(sum), measured
}

func (r *Report) failures() (float64, bool) {
	var sum int64
	for _, row := range r.Rows {
		sum += row.Counts.Except(load.OK, load.Cold)
	}
	return float64(sum), len(r.Rows) > 0
}

// enough that is never reached took all the time there was.
func enough(scaler, shape string) measure {
	return func(r *Report) (float64, bool) {
		row := r.find(scaler, shape)
		if row == nil {
			return 0, false
		}
		after, reached := r.timeToEnough(*row)
		if !reached {
			return r.Length.Seconds(), true
		}
		return after.Seconds(), true
	}
}
