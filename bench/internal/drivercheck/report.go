package drivercheck

import (
	"fmt"
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/bare"
	"serverless-orchestrator/bench/internal/options"
	"serverless-orchestrator/bench/internal/report"
)

// Report is one run.
type Report struct {
	report.Head
	Rows []*Row `json:"rows"`
}

// Row is one server with so many clients.
type Row struct {
	Server  string    `json:"server"`
	Clients int       `json:"clients"`
	Body    int       `json:"body"`
	Own     []outcome `json:"own"`
	Wrk     []outcome `json:"wrk"`
	Problem string    `json:"problem,omitempty"`
}

// median over the rounds; 0 of none.
func median(rounds []outcome, of func(outcome) float64) float64 {
	var all []float64
	for _, round := range rounds {
		all = append(all, of(round))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func perSecond(o outcome) float64 { return o.PerSecond }
func p50(o outcome) float64       { return float64(o.P50) }
func p99(o outcome) float64       { return float64(o.P99) }
func cpu(o outcome) float64       { return float64(o.CPU) }

func (r *Row) ratio(of func(outcome) float64) (float64, bool) {
	by := median(r.Wrk, of)
	if by == 0 || len(r.Own) == 0 {
		return 0, false
	}
	return median(r.Own, of) / by, true
}

// Sections are what is shown.
func (r *Report) Sections() []report.Section {
	t := report.NewTable("server", "clients", "body", "own /s", "wrk /s", "ratio", "own p50 ms", "wrk p50 ms", "ratio", "own p99 ms", "wrk p99 ms",
		"own µs a call", "wrk µs a call", "own errors", "wrk errors")
	for _, row := range r.Rows {
		cells := []string{row.Server, fmt.Sprint(row.Clients), options.Size(row.Body).String()}
		if row.Problem != "" || len(row.Own) == 0 || len(row.Wrk) == 0 {
			t.Add(append(cells, "not available: "+row.Problem)...)
			continue
		}
		rate, _ := row.ratio(perSecond)
		middle, _ := row.ratio(p50)
		t.Add(append(cells, number(row.Own, perSecond, 1), number(row.Wrk, perSecond, 1), fmt.Sprintf("%.3f", rate),
			duration(row.Own, p50, time.Millisecond), duration(row.Wrk, p50, time.Millisecond), fmt.Sprintf("%.3f", middle),
			duration(row.Own, p99, time.Millisecond), duration(row.Wrk, p99, time.Millisecond),
			duration(row.Own, cpu, time.Microsecond), duration(row.Wrk, cpu, time.Microsecond), errorsOf(row.Own), errorsOf(row.Wrk))...)
	}
	return r.Wrap(report.Section{Title: "The driver beside wrk", Table: t,
		Words: []string{"Medians of the rounds. µs a call is processor time of the driver."}})
}

func number(rounds []outcome, of func(outcome) float64, unit float64) string {
	return fmt.Sprintf("%.0f", median(rounds, of)/unit)
}

func duration(rounds []outcome, of func(outcome) float64, unit time.Duration) string {
	return fmt.Sprintf("%.3f", median(rounds, of)/float64(unit))
}

func errorsOf(rounds []outcome) string {
	var sum int64
	for _, round := range rounds {
		sum += round.Errors
	}
	return fmt.Sprint(sum)
}

// Judge fills in Aims: with a server of any use the two have to agree. With one
// that does nothing, the rows show what the drivers themselves cost.
func (r *Report) Judge() {
	var aims []report.Aim[*Report]
	for _, row := range r.Rows {
		if row.Server == bare.Reference {
			continue
		}
		measured := func(of func(outcome) float64) report.Measure[*Report] {
			return func(*Report) (float64, bool) { return row.ratio(of) }
		}
		title := fmt.Sprintf("%s, clients: %d", row.Server, row.Clients)
		aims = append(aims,
			report.NewAim(title+": throughput over wrk's", report.AtLeast(0.9), report.AsRatio, measured(perSecond)),
			report.NewAim(title+": p50 over wrk's", report.AtMost(1.15), report.AsRatio, measured(p50)))
	}
	r.Aims = report.JudgeAll(r, aims)
}
