package report

import (
	"fmt"
	"time"
)

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

// aim is a bound for one number of a report.
type aim struct {
	what string
	// The number must be at most the bound, or at least it.
	atLeast bool
	bound   float64
	unit    unit
	measure func(*Report) (float64, bool)
}

// unit is how a number is written, with a verb for it.
type unit string

const (
	inMilliseconds unit = "%.2f ms"
	asRatio        unit = "%.3g x"
	perSecond      unit = "%.0f/s"
	inMegabytes    unit = "%.2f MB"
)

// The aims of `cold`. Whoever changes one changes what the project promises.
func coldAims() []aim {
	var aims []aim
	for _, runtime := range []string{"node", "python"} {
		rest := "rest/" + runtime + "/parked"
		title := "cold start through REST, " + runtime
		aims = append(aims,
			aim{title + ", p50", false, 3, inMilliseconds, p50(rest)},
			aim{title + ", p99", false, 10, inMilliseconds, p99(rest)},
			aim{title + ", p50 over node -e 0", false, 0.15, asRatio, ratio(p50(rest), p50("bare/node"))},
			aim{title + ", p50 over python3 -c 0", false, 0.3, asRatio, ratio(p50(rest), p50("bare/python"))},
			aim{title + ", p50 over docker run", false, 0.02, asRatio, ratio(p50(rest), p50("docker/"+runtime))},
		)
	}
	for _, runtime := range []string{"go", "rust"} {
		aims = append(aims, aim{"cold start through REST, " + runtime + ", p50", false, 5, inMilliseconds, p50("rest/" + runtime + "/parked")})
	}
	for _, by := range []struct{ id, title string }{
		{"launcher/node", "node sandboxes made and destroyed, launcher alone"},
		{"rest/node/parked", "node sandboxes made, invoked and destroyed, through REST"},
	} {
		aims = append(aims,
			aim{by.title, true, 300, perSecond, bestRate(by.id)},
			aim{by.title + ", over crun run", true, 8, asRatio, ratio(bestRate(by.id), rateOf("crun/node", 2))},
			aim{by.title + ", over bwrap", true, 4, asRatio, ratio(bestRate(by.id), rateOf("bwrap/node", 2))},
			aim{by.title + ", over docker run", true, 50, asRatio, ratio(bestRate(by.id), rateOf("docker/node", 2))},
		)
	}
	for _, instances := range []int{100, 1000} {
		for _, runtime := range []string{"node", "python"} {
			aims = append(aims, aim{fmt.Sprintf("memory per idle instance, %s, PSS, %d instances", runtime, instances), false, 3, inMegabytes,
				memory(runtime, instances, func(m Memory) float64 { return m.PSS })})
		}
		for _, runtime := range []string{"go", "rust", "custom"} {
			aims = append(aims, aim{fmt.Sprintf("memory per idle instance, %s, PSS above the program's own, %d instances", runtime, instances), false, 2, inMegabytes,
				memory(runtime, instances, func(m Memory) float64 { return m.PSS - m.OwnPSS })})
		}
	}
	for _, runtime := range []string{"node", "python"} {
		aims = append(aims, aim{"registered source to first response, " + runtime + ", p50", false, 100, inMilliseconds, p50("first/" + runtime)})
	}
	return aims
}

// Judge fills in Aims from everything else.
func (r *Report) Judge() {
	r.Aims = nil
	for _, a := range coldAims() {
		r.Aims = append(r.Aims, a.judge(r))
	}
}

func (a aim) judge(r *Report) Verdict {
	sign := "≤ "
	if a.atLeast {
		sign = "≥ "
	}
	verdict := Verdict{What: a.what, Aim: sign + fmt.Sprintf(string(a.unit), a.bound), Outcome: NotMeasured}
	value, measured := a.measure(r)
	if !measured {
		return verdict
	}
	verdict.Measured = fmt.Sprintf(string(a.unit), value)
	verdict.Outcome = Miss
	// By the number itself, not by how it is written.
	if (a.atLeast && value >= a.bound) || (!a.atLeast && value <= a.bound) {
		verdict.Outcome = Pass
	}
	return verdict
}

type measure = func(*Report) (float64, bool)

func p50(id string) measure {
	return percentile(id, func(m *Measurement) time.Duration { return m.Series.Summary().P50 })
}

func p99(id string) measure {
	return percentile(id, func(m *Measurement) time.Duration { return m.Series.Summary().P99 })
}

func percentile(id string, of func(*Measurement) time.Duration) measure {
	return func(r *Report) (float64, bool) {
		row := r.Find(id)
		if row == nil || len(row.Series.Samples) == 0 || row.Problem != "" {
			return 0, false
		}
		return of(row).Seconds() * 1000, true
	}
}

func rateOf(id string, loops int) measure {
	return func(r *Report) (float64, bool) {
		row := r.Find(id)
		if row == nil {
			return 0, false
		}
		rate, measured := row.rate(loops)
		return rate.PerSecond(), measured
	}
}

func bestRate(id string) measure {
	return func(r *Report) (float64, bool) {
		row := r.Find(id)
		if row == nil {
			return 0, false
		}
		rate, measured := row.best()
		return rate.PerSecond(), measured
	}
}

func ratio(of, by measure) measure {
	return func(r *Report) (float64, bool) {
		a, measuredA := of(r)
		b, measuredB := by(r)
		if !measuredA || !measuredB || b == 0 {
			return 0, false
		}
		return a / b, true
	}
}

const megabyte = 1 << 20

func memory(runtime string, instances int, of func(Memory) float64) measure {
	return func(r *Report) (float64, bool) {
		for _, m := range r.Memory {
			if m.Runtime == runtime && m.Instances == instances && m.Problem == "" {
				return of(m) / megabyte, true
			}
		}
		return 0, false
	}
}
