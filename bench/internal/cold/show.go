package cold

import (
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/report"
)

// Sections are what is shown.
func (r *Report) Sections() []report.Section {
	sections := []report.Section{{Title: "Starts", Table: r.startsTable()}}
	if len(r.Steps) > 0 {
		sections = append(sections, report.Section{Title: "Steps of a start",
			Words: []string{"As the platform counts them. p50 and p99 are upper bounds of histogram buckets."}, Table: r.stepsTable()})
	}
	if len(r.Memory) > 0 {
		sections = append(sections, report.Section{Title: "Memory per idle instance", Table: r.memoryTable()})
	}
	return r.Wrap(sections...)
}

// The baselines whose p50 the table gives everything as a multiple of.
var references = []struct{ id, title string }{
	{"bare/node", "x node -e 0"},
	{"bare/python", "x python3 -c 0"},
}

func (r *Report) startsTable() *report.Table {
	t := report.NewTable("what", "n", "p50 ms", "p90 ms", "p99 ms", "max ms", "p50 of rounds", "2 loops /s", "4 loops /s",
		references[0].title, references[1].title)
	for _, row := range r.Starts {
		if row.Problem != "" {
			t.Add(row.Title, "not available: "+row.Problem)
			continue
		}
		cells := []string{row.Title}
		summary := row.Series.Summary()
		if summary.N > 0 {
			lowest, highest := row.Series.Drift()
			cells = append(cells, fmt.Sprint(summary.N), report.Milliseconds(summary.P50), report.Milliseconds(summary.P90), report.Milliseconds(summary.P99), report.Milliseconds(summary.Max),
				report.Milliseconds(lowest)+"–"+report.Milliseconds(highest))
		} else {
			cells = append(cells, "", "", "", "", "", "")
		}
		for _, loops := range []int{2, 4} {
			cells = append(cells, r.number("%.1f", rateOf(row.ID, loops)))
		}
		for _, reference := range references {
			cells = append(cells, r.number("%.3f", report.Ratio(p50(row.ID), p50(reference.id))))
		}
		t.Add(cells...)
	}
	return t
}

func (r *Report) number(format string, of measure) string {
	value, measured := of(r)
	if !measured {
		return ""
	}
	return fmt.Sprintf(format, value)
}

func (r *Report) stepsTable() *report.Table {
	t := report.NewTable("runtime", "parked sandboxes", "step", "count", "mean ms", "p50 ≤ ms", "p99 ≤ ms").Left(1, 2)
	for _, s := range r.Steps {
		t.Add(s.Runtime, s.How, s.Name, fmt.Sprint(s.Count), report.Milliseconds(s.Mean), bucket(s.P50), bucket(s.P99))
	}
	return t
}

func (r *Report) memoryTable() *report.Table {
	t := report.NewTable("runtime", "instances", "PSS MB", "of it the program's own MB", "cgroup MB", "less available MB")
	for _, m := range r.Memory {
		if m.Problem != "" {
			t.Add(m.Runtime, fmt.Sprint(m.Instances), "not available: "+m.Problem)
			continue
		}
		own := ""
		if m.OwnPSS > 0 {
			own = report.Megabytes(m.OwnPSS)
		}
		t.Add(m.Runtime, fmt.Sprint(m.Instances), report.Megabytes(m.PSS), own, report.Megabytes(m.Cgroup), report.Megabytes(m.Available))
	}
	return t
}

func bucket(d time.Duration) string {
	if d == 0 {
		return "beyond"
	}
	return fmt.Sprintf("%.3g", d.Seconds()*1000)
}
