package warm

import (
	"fmt"
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/options"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/report"
)

// Sections are what is shown.
func (r *Report) Sections() []report.Section {
	return r.Wrap(
		report.Section{Title: "Warm calls", Table: r.table()},
		report.Section{Title: "Processor time of one call", Table: r.cpuTable(),
			Words: []string{"In µs, by program. `platform` is the sum of the columns before it; what the function's own processes use is not in it."}},
	)
}

func (r *Report) table() *report.Table {
	t := report.NewTable("what", "clients", "body", "n", "/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "p50 of rounds",
		"platform µs", "function or server µs", "driver µs", "cold", "errors").Left(15)
	for _, row := range r.Rows {
		cells := []string{row.Title, fmt.Sprint(row.Clients), options.Size(row.Body).String()}
		if row.Problem != "" && row.Latency.N == 0 {
			t.Add(append(cells, "not available: "+row.Problem)...)
			continue
		}
		l := row.Latency
		cells = append(cells, fmt.Sprint(l.N), fmt.Sprintf("%.0f", row.perSecond()), milliseconds(l.P50), milliseconds(l.P90), milliseconds(l.P99),
			milliseconds(l.P999), milliseconds(l.Max), drift(row.Medians),
			row.micros(ofPlatform...), row.micros(platform.Instances, server), row.micros(driver), fmt.Sprint(row.Counts[load.Cold]))
		errors := row.Counts.Errors()
		if row.Problem != "" {
			errors += " (" + row.Problem + ")"
		}
		t.Add(append(cells, errors)...)
	}
	return t
}

func (r *Report) cpuTable() *report.Table {
	header := []string{"what", "clients", "body"}
	header = append(header, platform.Programs...)
	t := report.NewTable(append(header, platform.Waiting, "platform", platform.Instances, "bare server", "driver")...)
	for _, row := range r.Rows {
		if row.Latency.N == 0 {
			continue
		}
		cells := []string{row.Title, fmt.Sprint(row.Clients), options.Size(row.Body).String()}
		for _, program := range platform.Programs {
			cells = append(cells, row.micros(program))
		}
		t.Add(append(cells, row.micros(platform.Waiting), row.micros(ofPlatform...), row.micros(platform.Instances), row.micros(server), row.micros(driver))...)
	}
	return t
}

func (r *Row) micros(groups ...string) string {
	each, known := r.cpuEach(groups...)
	if !known {
		return ""
	}
	return fmt.Sprintf("%.1f", float64(each)/float64(time.Microsecond))
}

// milliseconds has the digits that a call of a tenth of one needs.
func milliseconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()*1000) }

func drift(medians []time.Duration) string {
	if len(medians) == 0 {
		return ""
	}
	return milliseconds(slices.Min(medians)) + "–" + milliseconds(slices.Max(medians))
}
