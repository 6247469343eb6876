package cold

import (
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/report"
)

type measure = report.Measure[*Report]

var aim = report.NewAim[*Report]

// The aims of `cold`. Whoever changes one changes what the project promises.
func aims() []report.Aim[*Report] {
	var all []report.Aim[*Report]
	for _, runtime := range []string{"node", "python"} {
		rest := "rest/" + runtime + "/parked"
		title := "cold start through REST, " + runtime
		all = append(all,
			aim(title+", p50", report.AtMost(3), report.InMilliseconds, p50(rest)),
			aim(title+", p99", report.AtMost(10), report.InMilliseconds, p99(rest)),
			aim(title+", p50 over node -e 0", report.AtMost(0.15), report.AsRatio, report.Ratio(p50(rest), p50("bare/node"))),
			aim(title+", p50 over python3 -c 0", report.AtMost(0.3), report.AsRatio, report.Ratio(p50(rest), p50("bare/python"))),
			aim(title+", p50 over docker run", report.AtMost(0.02), report.AsRatio, report.Ratio(p50(rest), p50("docker/"+runtime))),
		)
	}
	for _, runtime := range []string{"go", "rust"} {
		all = append(all, aim("cold start through REST, "+runtime+", p50", report.AtMost(5), report.InMilliseconds, p50("rest/"+runtime+"/parked")))
	}
	for _, by := range []struct{ id, title string }{
		{"launcher/node", "node sandboxes made and destroyed, launcher alone"},
		{"rest/node/parked", "node sandboxes made, invoked and destroyed, through REST"},
	} {
		all = append(all,
			aim(by.title, report.AtLeast(300), report.PerSecond, bestRate(by.id)),
			aim(by.title+", over crun run", report.AtLeast(8), report.AsRatio, report.Ratio(bestRate(by.id), rateOf("crun/node", 2))),
			aim(by.title+", over bwrap", report.AtLeast(4), report.AsRatio, report.Ratio(bestRate(by.id), rateOf("bwrap/node", 2))),
			aim(by.title+", over docker run", report.AtLeast(50), report.AsRatio, report.Ratio(bestRate(by.id), rateOf("docker/node", 2))),
		)
	}
	for _, instances := range []int{100, 1000} {
		for _, runtime := range []string{"node", "python"} {
			all = append(all, aim(fmt.Sprintf("memory per idle instance, %s, PSS, %d instances", runtime, instances), report.AtMost(3), report.InMegabytes,
				memory(runtime, instances, func(m Memory) float64 { return m.PSS })))
		}
		for _, runtime := range []string{"go", "rust", "custom"} {
			all = append(all, aim(fmt.Sprintf("memory per idle instance, %s, PSS above the program's own, %d instances", runtime, instances), report.AtMost(2), report.InMegabytes,
				memory(runtime, instances, func(m Memory) float64 { return m.PSS - m.OwnPSS })))
		}
	}
	for _, runtime := range []string{"node", "python"} {
		all = append(all, aim("registered source to first response, "+runtime+", p50", report.AtMost(100), report.InMilliseconds, p50("first/"+runtime)))
	}
	return all
}

// Judge fills in Aims from everything else.
func (r *Report) Judge() { r.Aims = report.JudgeAll(r, aims()) }

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
