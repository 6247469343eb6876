package drivercheck

import (
	"strings"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/bare"
	"serverless-orchestrator/bench/internal/report"
)

const printed = `Running 3s test @ http://127.0.0.1:40000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  300.00us   9.00ms   90.00%
    Req/Sec    15.00k     1.00k   17.00k    80.00%
  Latency Distribution
     50%  950.00us
     75%    1.10ms
     90%    1.40ms
     99%    2.50ms
  45000 requests in 3.00s, 9.00MB read
  Socket errors: connect 0, read 2, write 0, timeout 1
  Non-2xx or 3xx responses: 4
Requests/sec:  15000.50
Transfer/sec:      3.00MB
`

func TestWhatWrkPrintsIsRead(t *testing.T) {
	found, requests, err := parseWrk(printed)
	want := outcome{PerSecond: 15000.5, P50: 950 * time.Microsecond, P99: 2500 * time.Microsecond, Errors: 7}
	if err != nil || found != want || requests != 45000 {
		t.Errorf("%+v, %d, %v", found, requests, err)
	}
	for _, wrong := range []string{"", "unable to connect", strings.Replace(printed, "950.00us", "soon", 1), strings.Replace(printed, "99%", "98%", 1)} {
		if _, _, err := parseWrk(wrong); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func TestEventsAreQuotedForLua(t *testing.T) {
	if got := luaString([]byte(`{"a":"\\"}`)); got != `"{\"a\":\"\\\\\"}"` {
		t.Errorf("got %s", got)
	}
}

func TestMediansOfTheRoundsAreCompared(t *testing.T) {
	row := &Row{Server: "node", Clients: 16, Body: 64,
		Own: []outcome{{PerSecond: 1, P50: 9}, {PerSecond: 95, P50: 11}, {PerSecond: 96, P50: 12}},
		Wrk: []outcome{{PerSecond: 100, P50: 10}, {PerSecond: 1000, P50: 1}, {PerSecond: 99, P50: 20}},
	}
	r := &Report{Rows: []*Row{row, {Server: "node", Clients: 64}, {Server: bare.Reference, Clients: 1}}}
	r.Judge()
	var outcomes []string
	for _, verdict := range r.Aims {
		outcomes = append(outcomes, verdict.Measured+" "+verdict.Outcome)
	}
	want := []string{"0.95 x " + report.Pass, "1.1 x " + report.Pass, " " + report.NotMeasured, " " + report.NotMeasured}
	if len(outcomes) != len(want) {
		t.Fatalf("got %q", outcomes)
	}
	for i := range want {
		if outcomes[i] != want[i] {
			t.Errorf("got %q, want %q", outcomes, want)
		}
	}
	for _, part := range []string{"0.950", "1.100", "not available"} {
		if text := report.Text(r); !strings.Contains(text, part) {
			t.Errorf("no %s in\n%s", part, text)
		}
	}
}
