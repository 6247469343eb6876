package warm

import (
	"flag"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

// tally of so many calls that took as long.
func tally(outcomes map[string]int, took time.Duration) *load.Tally {
	made := load.NewTally()
	begin := time.Unix(1000, 0)
	for outcome, count := range outcomes {
		for range count {
			made.Add(load.Sample{Intended: begin, Started: begin, Ended: begin.Add(took), Outcome: outcome})
		}
	}
	return made
}

func row(r *Report, subject string, clients int, round *load.Tally, cpu map[string]time.Duration) *Row {
	added := &Row{Subject: subject, Title: "title of " + subject, Clients: clients, Body: smallBody, tally: load.NewTally()}
	added.add(round, time.Second, cpu)
	r.Rows = append(r.Rows, added)
	return added
}

func each(calls int, microseconds float64) time.Duration {
	return time.Duration(float64(calls) * microseconds * float64(time.Microsecond))
}

// example has a platform that adds 0.2 ms and uses 75 µs a call.
func example() *Report {
	r := &Report{Head: report.Head{Benchmark: "warm", Command: "scripts/bench warm"}}
	for _, clients := range []int{1, 64} {
		row(r, "bare/node", clients, tally(map[string]int{load.OK: 1000}, 100*time.Microsecond),
			map[string]time.Duration{server: each(1000, 60), driver: each(1000, 10)})
		row(r, "rest/node", clients, tally(map[string]int{load.OK: 598, load.Cold: 2}, 300*time.Microsecond),
			map[string]time.Duration{"gateway": each(600, 40), "router": each(600, 35), "instances": each(600, 100), driver: each(600, 12)})
		row(r, "rest/node-64", clients, tally(map[string]int{load.OK: 500}, 400*time.Microsecond), nil)
	}
	r.Judge()
	return r
}

func TestAimsAreJudgedByTheNumbers(t *testing.T) {
	want := []string{"0.20 ms PASS", "0.6 x PASS", "0.6 x miss", "0.5 x PASS", "75.0 µs PASS", "1.25 x PASS", "75.0 µs PASS", "1.25 x PASS", "4 miss", "0 PASS"}
	var got []string
	for _, verdict := range example().Aims {
		got = append(got, verdict.Measured+" "+verdict.Outcome)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRowsWithAProblemAndOfOtherBodiesAreNotJudged(t *testing.T) {
	r := example()
	for _, row := range r.Rows {
		if row.Clients == 1 {
			row.Body = 8192
		} else {
			row.Problem = "it stopped answering"
		}
	}
	r.Judge()
	for _, verdict := range r.Aims[:8] {
		if verdict.Outcome != report.NotMeasured {
			t.Errorf("got %+v", verdict)
		}
	}
}

func TestRoundsAddUp(t *testing.T) {
	r := &Report{}
	got := row(r, "rest/go", 1, tally(map[string]int{load.OK: 10}, time.Millisecond), map[string]time.Duration{"pool": time.Second})
	got.add(tally(map[string]int{load.OK: 20, load.Wrong: 10}, 3*time.Millisecond), time.Second, map[string]time.Duration{"pool": 3 * time.Second})
	if got.perSecond() != 15 || got.Counts.Total() != 40 || got.Elapsed != 2*time.Second || len(got.Medians) != 2 {
		t.Errorf("got %+v", got)
	}
	if used, known := got.cpuEach("pool"); !known || used != 100*time.Millisecond {
		t.Errorf("%v a call", used)
	}
	if _, known := got.cpuEach("router"); known {
		t.Error("a group that was not measured has a number")
	}
	if text := drift(got.Medians); !strings.HasPrefix(text, "1.00") || !strings.Contains(text, "–3.00") && !strings.Contains(text, "–2.99") {
		t.Errorf("drift %s", text)
	}
}

func TestSlowCallsGetALongerWindow(t *testing.T) {
	now := time.Unix(1000, 0)
	at := func(seconds float64) time.Time { return now.Add(time.Duration(seconds * float64(time.Second))) }
	const warmUp, length = 300 * time.Millisecond, 3 * time.Second
	for took, want := range map[time.Duration]load.Window{
		301 * time.Millisecond:  {Begin: at(0.001), End: at(3.001)},
		2300 * time.Millisecond: {Begin: at(2), End: at(6.6)},
		0:                       {Begin: at(0), End: at(3)},
	} {
		if got := windowAfter(now, took, warmUp, length); got != want {
			t.Errorf("%v: from %v to %v", took, got.Begin.Sub(now), got.End.Sub(now))
		}
	}
}

func TestEverythingIsShown(t *testing.T) {
	r := example()
	r.Rows = append(r.Rows, &Row{Title: "title of none", Clients: 1, Body: 8192, Problem: "node is not installed"})
	text := report.Text(r)
	for _, part := range []string{"title of rest/node", "75.0", "100.0", "60.0", "not available: node is not installed", "8k"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestJSONKeepsWhatIsShown(t *testing.T) {
	r, read := example(), &Report{}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := report.WriteJSON(path, r); err != nil {
		t.Fatal(err)
	}
	if err := report.ReadJSON(path, read); err != nil {
		t.Fatal(err)
	}
	aims := read.Aims
	read.Judge()
	if report.Text(read) != report.Text(r) || !reflect.DeepEqual(aims, read.Aims) {
		t.Errorf("wrote\n%s\nread\n%s", report.Text(r), report.Text(read))
	}
}

func TestOptions(t *testing.T) {
	for arguments, right := range map[string]bool{
		"": true, "--bodies=64,1m --clients=2 --grpc=none": true, "--bodies=10": false, "--bodies=7m": false, "--rounds=0": false,
		"--runtimes=python": false, "--runtimes=python --grpc=python": true, "--servers=apache": false, "--instances=0": false,
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
