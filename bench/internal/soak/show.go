package soak

import (
	"fmt"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

// Sections are what is shown.
func (r *Report) Sections() []report.Section {
	return r.Wrap(
		report.Section{Title: "Load", Table: r.loadTable()},
		report.Section{Title: "Trend", Table: r.trendTable(), Words: []string{
			fmt.Sprintf("Means of the first third of %d looks and of the last. Of sandboxes, memory and files are those of one process.", len(r.usable())),
			fmt.Sprintf("Tolerated are %.0f %% and, on top, %s of memory a process and %d open files; of pool and launcher %d more for each sandbox that there is more.",
				100*r.Tolerance.Share, r.Tolerance.Memory, r.Tolerance.Descriptors, r.Tolerance.PerSandbox),
		}},
	)
}

func (r *Report) loadTable() *report.Table {
	t := report.NewTable("function", "n", "/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "cold", "errors").Left(8)
	for _, f := range r.Functions {
		l := f.Latency
		t.Add(f.Runtime, fmt.Sprint(l.N), fmt.Sprintf("%.1f", float64(l.N)/f.Elapsed.Seconds()), report.Milliseconds(l.P50), report.Milliseconds(l.P99),
			report.Milliseconds(l.P999), report.Milliseconds(l.Max), fmt.Sprint(f.Counts[load.Cold]), f.Counts.Errors())
	}
	return t
}

func (r *Report) trendTable() *report.Table {
	t := report.NewTable("what", "processes first", "last", "RSS MB first", "last", "change", "open files first", "last", "change", "").Left(9)
	for _, trend := range r.trends() {
		first, last := trend.comparable()
		verdict := "ok"
		if trend.memoryExcess(r.Tolerance) > 0 {
			verdict = "memory GROWS"
		}
		if trend.descriptorExcess(r.Tolerance) > 0 {
			verdict = "open files GROW"
		}
		t.Add(trend.group, fmt.Sprintf("%.1f", trend.first.processes), fmt.Sprintf("%.1f", trend.last.processes),
			report.Megabytes(first.memory), report.Megabytes(last.memory), change(first.memory, last.memory),
			fmt.Sprintf("%.1f", first.descriptors), fmt.Sprintf("%.1f", last.descriptors), change(first.descriptors, last.descriptors), verdict)
	}
	return t
}

func change(first, last float64) string {
	if first == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", 100*(last/first-1))
}
