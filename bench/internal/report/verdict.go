package report

import "fmt"

// Verdict is one aim and what became of it.
type Verdict struct {
	What     string `json:"what"`
	Aim      string `json:"aim"`
	Measured string `json:"measured"`
	// "PASS", "miss" or "not measured".
	Outcome string `json:"outcome"`
}

// The outcomes of a verdict.
const (
	Pass        = "PASS"
	Miss        = "miss"
	NotMeasured = "not measured"
)

// Aim is a bound for one number of a report R.
type Aim[R any] struct {
	what    string
	bound   Bound
	unit    Unit
	measure Measure[R]
}

// NewAim is one for a number of reports R.
func NewAim[R any](what string, bound Bound, unit Unit, measure Measure[R]) Aim[R] {
	return Aim[R]{what, bound, unit, measure}
}

// Bound is what a number has to keep to.
type Bound struct {
	atLeast bool
	value   float64
}

// AtMost is an upper bound.
func AtMost(value float64) Bound { return Bound{false, value} }

// AtLeast is a lower bound.
func AtLeast(value float64) Bound { return Bound{true, value} }

// Measure is a number of a report; false when it was not measured.
type Measure[R any] func(R) (float64, bool)

// Unit is how a number is written, with a verb for it.
type Unit string

// The units of aims.
const (
	InMilliseconds Unit = "%.2f ms"
	InMicroseconds Unit = "%.1f µs"
	InSeconds      Unit = "%.1f s"
	AsRatio        Unit = "%.3g x"
	PerSecond      Unit = "%.0f/s"
	InMegabytes    Unit = "%.2f MB"
	InPercent      Unit = "%.1f %%"
	AsCount        Unit = "%.0f"
)

// JudgeAll judges a report by its aims.
func JudgeAll[R any](r R, aims []Aim[R]) []Verdict {
	var verdicts []Verdict
	for _, a := range aims {
		verdicts = append(verdicts, a.judge(r))
	}
	return verdicts
}

func (a Aim[R]) judge(r R) Verdict {
	sign := "≤ "
	if a.bound.atLeast {
		sign = "≥ "
	}
	verdict := Verdict{What: a.what, Aim: sign + fmt.Sprintf(string(a.unit), a.bound.value), Outcome: NotMeasured}
	value, measured := a.measure(r)
	if !measured {
		return verdict
	}
	verdict.Measured = fmt.Sprintf(string(a.unit), value)
	verdict.Outcome = Miss
	// By the number itself, not by how it is written.
	if (a.bound.atLeast && value >= a.bound.value) || (!a.bound.atLeast && value <= a.bound.value) {
		verdict.Outcome = Pass
	}
	return verdict
}

// Ratio of two numbers of a report.
func Ratio[R any](of, by Measure[R]) Measure[R] {
	return func(r R) (float64, bool) {
		a, measuredA := of(r)
		b, measuredB := by(r)
		if !measuredA || !measuredB || b == 0 {
			return 0, false
		}
		return a / b, true
	}
}

// Difference of two numbers of a report.
func Difference[R any](of, less Measure[R]) Measure[R] {
	return func(r R) (float64, bool) {
		a, measuredA := of(r)
		b, measuredB := less(r)
		return a - b, measuredA && measuredB
	}
}
