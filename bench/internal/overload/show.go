package overload

import (
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/report"
)

// Sections are what is shown.
func (r *Report) Sections() []report.Section {
	t := report.NewTable("calls", "answered", "/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "errors of all calls").Left(8)
	for _, row := range r.Rows {
		l := row.Latency
		t.Add(row.Title, fmt.Sprint(l.N), fmt.Sprintf("%.0f", float64(l.N)/row.Elapsed.Seconds()), report.Milliseconds(l.P50), report.Milliseconds(l.P90),
			report.Milliseconds(l.P99), report.Milliseconds(l.P999), report.Milliseconds(l.Max), row.Counts.Errors())
	}
	return r.Wrap(report.Section{Title: "Overload", Words: r.words(), Table: t})
}

func (r *Report) words() []string {
	var words []string
	if goodput, measured := r.goodput(); measured {
		words = append(words,
			fmt.Sprintf("Capacity %.0f/s, offered %.0f/s for %v, right answers %.0f/s: %.1f %% of the capacity.",
				r.Capacity, r.Offered, r.Length, float64(r.Served)/r.Length.Seconds(), goodput),
			fmt.Sprintf("The driver sent calls of the flood late by %s ms (p50) and %s ms (p99), and used %.0f %% of one processor.",
				report.Milliseconds(r.Late.P50), report.Milliseconds(r.Late.P99), 100*r.DriverCPU.Seconds()/r.Length.Seconds()))
	}
	if r.find(probeAfter) == nil {
		return words
	}
	normal := fmt.Sprintf("A probe is normal when it is answered within %s ms, twice the p99 before the flood.", report.Milliseconds(r.NormalProbe))
	if !r.Recovered {
		return append(words, fmt.Sprintf("Not back to normal within %v. %s", r.After, normal))
	}
	return append(words, fmt.Sprintf("Back to normal %v after the flood. %s", r.Recovery.Round(time.Millisecond), normal))
}
