package overload

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

var start = time.Unix(1000, 0)

func at(milliseconds int) time.Time { return start.Add(time.Duration(milliseconds) * time.Millisecond) }

func probe(intended, took int, outcome string) load.Sample {
	return load.Sample{Intended: at(intended), Started: at(intended), Ended: at(intended + took), Outcome: outcome}
}

func TestRecoveryIsTheBeginOfTheFirstStreak(t *testing.T) {
	slow, full := 100, "QUEUE_FULL"
	for name, c := range map[string]struct {
		probes []load.Sample
		want   time.Duration
		found  bool
	}{
		"at once":              {[]load.Sample{probe(1, 5, load.OK), probe(50, 5, load.Cold)}, time.Millisecond, true},
		"after slow ones":      {[]load.Sample{probe(0, slow, load.OK), probe(50, 5, load.OK), probe(100, 5, load.OK)}, 50 * time.Millisecond, true},
		"after refusals":       {[]load.Sample{probe(0, 1, full), probe(50, 5, load.OK), probe(100, 5, load.OK)}, 50 * time.Millisecond, true},
		"a streak is broken":   {[]load.Sample{probe(0, 5, load.OK), probe(50, slow, load.OK), probe(100, 5, load.OK), probe(150, 10, load.OK)}, 100 * time.Millisecond, true},
		"never":                {[]load.Sample{probe(0, 5, load.OK), probe(50, slow, load.OK), probe(100, 5, load.OK)}, 0, false},
		"nobody has probed":    {nil, 0, false},
		"meant to come before": {[]load.Sample{probe(-1, 5, load.OK), probe(50, 5, load.OK)}, 0, true},
	} {
		got, found := recovery(c.probes, start, 10*time.Millisecond, 2)
		if got != c.want || found != c.found {
			t.Errorf("%s: %v, %v", name, got, found)
		}
	}
}

func TestATimelineIsCutByTheIntendedTime(t *testing.T) {
	var line timeline
	for _, s := range []load.Sample{probe(30, 1, load.OK), probe(10, 500, load.OK), probe(20, 1, load.Wrong), probe(9, 1, load.OK)} {
		line.add(s)
	}
	found := line.within(load.Window{Begin: at(10), End: at(30)})
	if len(found) != 2 || found[0].Intended != at(10) || found[1].Outcome != load.Wrong {
		t.Errorf("got %+v", found)
	}
	if tally := tallyOf(found); tally.Good().N != 1 || tally.Counts()[load.Wrong] != 1 {
		t.Errorf("got %+v", tally.Counts())
	}
}

func latency(n int64, p99 time.Duration) load.Latency {
	return load.Latency{N: n, P50: p99 / 2, P99: p99}
}

func example() *Report {
	r := &Report{Head: report.Head{Benchmark: "overload"}, Capacity: 100, Offered: 1000, Length: 10 * time.Second, After: 20 * time.Second,
		Served: 850, Recovered: true, Recovery: time.Second}
	second := time.Second
	r.add(capacityRow, "capacity", second, latency(100, second), load.Counts{load.OK: 100})
	r.add(acceptedRow, "accepted", second, latency(850, second), load.Counts{load.OK: 850, "QUEUE_FULL": 9000, load.Wrong: 2, load.Disconnected: 1})
	r.add(rejectedRow, "refused", second, latency(9000, 60*time.Millisecond), load.Counts{})
	r.add(calmBefore, "calm before", second, latency(300, 10*time.Millisecond), load.Counts{load.OK: 300})
	r.add(calmDuring, "calm during", second, latency(300, 29*time.Millisecond), load.Counts{load.OK: 300, "QUEUE_FULL": 1})
	r.add(probeAfter, "probes", second, latency(30, time.Millisecond), load.Counts{load.OK: 30})
	r.Judge()
	return r
}

func TestAimsAreJudged(t *testing.T) {
	check := func(r *Report, want map[string]string) {
		t.Helper()
		for _, verdict := range r.Aims {
			if expected, named := want[verdict.What]; named && verdict.Measured+" "+verdict.Outcome != expected {
				t.Errorf("%s: got %s %s, want %s", verdict.What, verdict.Measured, verdict.Outcome, expected)
			}
		}
	}
	r := example()
	if len(r.Aims) != 6 {
		t.Fatalf("%d aims", len(r.Aims))
	}
	check(r, map[string]string{
		"right answers in the flood, of the capacity": "85.0 % PASS",
		"refusals, p99":                                                 "60.00 ms miss",
		"back to normal after the flood":                                "1.0 s PASS",
		"calm function, p99 in the flood over p99 before":               "2.9 x PASS",
		"calm calls without a right answer":                             "1 miss",
		"calls of the flooded function with an outcome that may not be": "3 miss",
	})
	r.Recovered = false
	r.Judge()
	check(r, map[string]string{"back to normal after the flood": "20.0 s miss"})
	empty := &Report{}
	empty.Judge()
	for _, verdict := range empty.Aims {
		if verdict.Outcome != report.NotMeasured {
			t.Errorf("of nothing: %+v", verdict)
		}
	}
}

func TestEverythingIsShown(t *testing.T) {
	text := report.Text(example())
	for _, part := range []string{"Capacity 100/s, offered 1000/s for 10s, right answers 85/s: 85.0 %", "Back to normal 1s after", "9000 QUEUE_FULL, 2 WRONG ANSWER, 1 disconnected", "calm during"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestOptions(t *testing.T) {
	for arguments, right := range map[string]bool{
		"": true, "--seconds=5s --work=0": true, "--work=1500us": false, "--runtime=cobol": false, "--body=10": false, "--factor=0": false, "--seconds=0s": false,
	} {
		var options Options
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		options.Register(flags)
		err := flags.Parse(strings.Fields(arguments))
		if err == nil {
			err = options.Check()
		}
		if (err == nil) != right {
			t.Errorf("%q: %v", arguments, err)
		}
	}
}
