package report

import (
	"fmt"
	"strings"
	"time"
)

// section is a title, words, and a table.
type section struct {
	title string
	words []string
	table *table
}

// Text is for terminals.
func (r *Report) Text() string {
	var out strings.Builder
	for _, s := range r.sections() {
		fmt.Fprintf(&out, "%s\n\n", strings.ToUpper(s.title))
		for _, line := range s.words {
			fmt.Fprintf(&out, "%s\n", line)
		}
		if s.table != nil {
			if len(s.words) > 0 {
				out.WriteString("\n")
			}
			out.WriteString(s.table.text())
		}
		out.WriteString("\n")
	}
	return out.String()
}

// Markdown is for documents; its headings are of the third level.
func (r *Report) Markdown() string {
	var out strings.Builder
	for _, s := range r.sections() {
		fmt.Fprintf(&out, "### %s\n\n", s.title)
		for _, line := range s.words {
			fmt.Fprintf(&out, "- %s\n", line)
		}
		if s.table != nil {
			if len(s.words) > 0 {
				out.WriteString("\n")
			}
			out.WriteString(s.table.markdown())
		}
		out.WriteString("\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func (r *Report) sections() []section {
	sections := []section{
		{title: "Run", words: r.runLines()},
		{title: "Starts", table: r.startsTable()},
	}
	if len(r.Steps) > 0 {
		sections = append(sections, section{title: "Steps of a start",
			words: []string{"As the platform counts them. p50 and p99 are upper bounds of histogram buckets."}, table: r.stepsTable()})
	}
	if len(r.Memory) > 0 {
		sections = append(sections, section{title: "Memory per idle instance", table: r.memoryTable()})
	}
	if len(r.Missing) > 0 {
		missing := section{title: "Not available"}
		for _, m := range r.Missing {
			missing.words = append(missing.words, m.What+": "+m.Reason)
		}
		sections = append(sections, missing)
	}
	return append(sections, section{title: "Aims", table: r.aimsTable()})
}

func (r *Report) runLines() []string {
	lines := []string{
		fmt.Sprintf("`%s`, %s, took %s", r.Command, r.Started.UTC().Format("2006-01-02 15:04 UTC"), r.Took.Round(time.Second)),
	}
	lines = append(lines, r.Machine.Lines()...)
	return append(lines, r.Notes...)
}

// The baselines whose p50 the table gives everything as a multiple of.
var references = []struct{ id, title string }{
	{"bare/node", "x node -e 0"},
	{"bare/python", "x python3 -c 0"},
}

func (r *Report) startsTable() *table {
	t := newTable("what", "n", "p50 ms", "p90 ms", "p99 ms", "max ms", "p50 of rounds", "2 loops /s", "4 loops /s",
		references[0].title, references[1].title)
	for _, row := range r.Starts {
		if row.Problem != "" {
			t.add(row.Title, "not available: "+row.Problem)
			continue
		}
		cells := []string{row.Title}
		summary := row.Series.Summary()
		if summary.N > 0 {
			lowest, highest := row.Series.Drift()
			cells = append(cells, fmt.Sprint(summary.N), ms(summary.P50), ms(summary.P90), ms(summary.P99), ms(summary.Max),
				ms(lowest)+"–"+ms(highest))
		} else {
			cells = append(cells, "", "", "", "", "", "")
		}
		for _, loops := range []int{2, 4} {
			cells = append(cells, r.number("%.1f", rateOf(row.ID, loops)))
		}
		for _, reference := range references {
			cells = append(cells, r.number("%.3f", ratio(p50(row.ID), p50(reference.id))))
		}
		t.add(cells...)
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

func (r *Report) stepsTable() *table {
	t := newTable("runtime", "parked sandboxes", "step", "count", "mean ms", "p50 ≤ ms", "p99 ≤ ms")
	t.left[1], t.left[2] = true, true
	for _, s := range r.Steps {
		t.add(s.Runtime, s.How, s.Name, fmt.Sprint(s.Count), ms(s.Mean), bucket(s.P50), bucket(s.P99))
	}
	return t
}

func (r *Report) memoryTable() *table {
	t := newTable("runtime", "instances", "PSS MB", "of it the program's own MB", "cgroup MB", "less available MB")
	for _, m := range r.Memory {
		if m.Problem != "" {
			t.add(m.Runtime, fmt.Sprint(m.Instances), "not available: "+m.Problem)
			continue
		}
		own := ""
		if m.OwnPSS > 0 {
			own = mb(m.OwnPSS)
		}
		t.add(m.Runtime, fmt.Sprint(m.Instances), mb(m.PSS), own, mb(m.Cgroup), mb(m.Available))
	}
	return t
}

func (r *Report) aimsTable() *table {
	t := newTable("what", "aim", "measured", "")
	t.left[3] = true
	for _, v := range r.Aims {
		t.add(v.What, v.Aim, v.Measured, v.Outcome)
	}
	return t
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

func bucket(d time.Duration) string {
	if d == 0 {
		return "beyond"
	}
	return fmt.Sprintf("%.3g", d.Seconds()*1000)
}

func mb(bytes float64) string { return fmt.Sprintf("%.2f", bytes/megabyte) }
