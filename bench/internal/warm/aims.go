package warm

import (
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

type measure = report.Measure[*Report]

var aim = report.NewAim[*Report]

// What aims are judged by.
const (
	smallBody  = 64
	oneClient  = 1
	manyClient = 64
	// Of the functions whose instances run many calls at a time.
	concurrency = 64
)

// The aims of `warm`. Whoever changes one changes what the project promises.
func aims() []report.Aim[*Report] {
	all := []report.Aim[*Report]{
		aim("warm call, node, 1 client: p50 over the bare node server", report.AtMost(0.3), report.InMilliseconds,
			report.Difference(p50("rest/node", oneClient), p50("bare/node", oneClient))),
		aim("throughput, node, 64 clients, of the bare node server's", report.AtLeast(0.5), report.AsRatio,
			report.Ratio(throughput("rest/node"), throughput("bare/node"))),
		aim("the same, to be reached later", report.AtLeast(0.7), report.AsRatio,
			report.Ratio(throughput("rest/node"), throughput("bare/node"))),
		aim("the same of a function with concurrency 64", report.AtLeast(0.5), report.AsRatio,
			report.Ratio(throughput("rest/node-64"), throughput("bare/node"))),
	}
	for _, clients := range []int{oneClient, manyClient} {
		title := fmt.Sprintf("processor time of the platform a call, node, %d clients", clients)
		if clients == 1 {
			title = "processor time of the platform a call, node, 1 client"
		}
		mine, theirs := cpu("rest/node", clients, ofPlatform...), cpu("bare/node", clients, server)
		all = append(all,
			aim(title, report.AtMost(80), report.InMicroseconds, mine),
			aim(title+", over all that the bare node server uses", report.AtMost(1.5), report.AsRatio, report.Ratio(mine, theirs)))
	}
	return append(all,
		aim("answers of the platform that were cold", report.AtMost(0), report.AsCount, count(func(c load.Counts) int64 { return c[load.Cold] })),
		aim("answers that were wrong, or errors", report.AtMost(0), report.AsCount, count(func(c load.Counts) int64 { return c.Except(load.OK, load.Cold) })))
}

// Judge fills in Aims from everything else.
func (r *Report) Judge() { r.Aims = report.JudgeAll(r, aims()) }

// measured finds a row of the small body that has numbers.
func (r *Report) measured(subject string, clients int) (*Row, bool) {
	row := r.Find(subject, clients, smallBody)
	return row, row != nil && row.Problem == "" && row.Latency.N > 0
}

func p50(subject string, clients int) measure {
	return func(r *Report) (float64, bool) {
		row, measured := r.measured(subject, clients)
		if !measured {
			return 0, false
		}
		return row.Latency.P50.Seconds() * 1000, true
	}
}

func throughput(subject string) measure {
	return func(r *Report) (float64, bool) {
		row, measured := r.measured(subject, manyClient)
		if !measured {
			return 0, false
		}
		return row.perSecond(), true
	}
}

// cpu is in microseconds.
func cpu(subject string, clients int, groups ...string) measure {
	return func(r *Report) (float64, bool) {
		row, measured := r.measured(subject, clients)
		if !measured {
			return 0, false
		}
		each, known := row.cpuEach(groups...)
		return float64(each) / float64(time.Microsecond), known
	}
}

func count(of func(load.Counts) int64) measure {
	return func(r *Report) (float64, bool) {
		var sum int64
		for _, row := range r.Rows {
			sum += of(row.Counts)
		}
		return float64(sum), len(r.Rows) > 0
	}
}
