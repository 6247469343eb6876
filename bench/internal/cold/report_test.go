package cold

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/report"
	"serverless-orchestrator/bench/internal/stats"
)

// example has a node start of 3 ms where plain node takes 20 ms.
func example() *Report {
	r := &Report{Head: report.Head{Benchmark: "cold", Command: "scripts/bench cold", Started: time.Unix(1_800_000_000, 0).UTC(), Notes: []string{"A note."}}}
	bare := r.Add("bare/node", "node -e 0")
	bare.Series.Add([]time.Duration{20 * time.Millisecond}, 1)
	crun := r.Add("crun/node", "crun run node")
	crun.Rates = []stats.Rate{{Loops: 2, Done: 300, Elapsed: 10 * time.Second}}
	r.Add("runc/node", "runc run node").Problem = "runc is not installed"
	rest := r.Add("rest/node/parked", "REST: node")
	rest.Series.Add([]time.Duration{3 * time.Millisecond, 2 * time.Millisecond, 11 * time.Millisecond}, 1)
	rest.Rates = []stats.Rate{{Loops: 2, Done: 2400, Elapsed: 10 * time.Second}, {Loops: 4, Done: 3100, Elapsed: 10 * time.Second}}
	r.Memory = []Memory{
		{Runtime: "node", Instances: 100, PSS: 2 << 20},
		{Runtime: "go", Instances: 100, PSS: 5 << 20, OwnPSS: 4 << 20},
		{Runtime: "node", Instances: 1000, Problem: "too many"},
	}
	r.Steps = []Step{{Runtime: "node", How: "parked", Name: "fork", Count: 3, Mean: time.Millisecond, P50: 2 * time.Millisecond}}
	r.Judge()
	return r
}

func TestAimsAreJudgedByTheNumbers(t *testing.T) {
	outcomes := map[string]report.Verdict{}
	for _, verdict := range example().Aims {
		outcomes[verdict.What] = verdict
	}
	for what, want := range map[string][2]string{
		"cold start through REST, node, p50":                                       {"3.00 ms", report.Pass},
		"cold start through REST, node, p99":                                       {"11.00 ms", report.Miss},
		"cold start through REST, node, p50 over node -e 0":                        {"0.15 x", report.Pass},
		"cold start through REST, node, p50 over python3 -c 0":                     {"", report.NotMeasured},
		"node sandboxes made, invoked and destroyed, through REST":                 {"310/s", report.Pass},
		"node sandboxes made, invoked and destroyed, through REST, over crun run":  {"10.3 x", report.Pass},
		"node sandboxes made and destroyed, launcher alone":                        {"", report.NotMeasured},
		"memory per idle instance, node, PSS, 100 instances":                       {"2.00 MB", report.Pass},
		"memory per idle instance, go, PSS above the program's own, 100 instances": {"1.00 MB", report.Pass},
		"memory per idle instance, node, PSS, 1000 instances":                      {"", report.NotMeasured},
		"registered source to first response, python, p50":                         {"", report.NotMeasured},
		"cold start through REST, python, p50":                                     {"", report.NotMeasured},
	} {
		got, listed := outcomes[what]
		if !listed || got.Measured != want[0] || got.Outcome != want[1] {
			t.Errorf("%s: got %+v, want %v", what, got, want)
		}
	}
}

func TestAMissIsNotRoundedIntoAPass(t *testing.T) {
	r := &Report{}
	r.Add("rest/node/parked", "").Series.Add([]time.Duration{3*time.Millisecond + time.Microsecond}, 0)
	r.Judge()
	if got := r.Aims[0]; got.Measured != "3.00 ms" || got.Outcome != report.Miss {
		t.Errorf("got %+v", got)
	}
}

func TestRowsWithAProblemAreNotJudged(t *testing.T) {
	r := &Report{}
	row := r.Add("rest/node/parked", "")
	row.Series.Add([]time.Duration{time.Millisecond}, 0)
	row.Problem = "it stopped answering"
	r.Judge()
	if r.Aims[0].Outcome != report.NotMeasured {
		t.Errorf("got %+v", r.Aims[0])
	}
}

func TestEverythingIsShown(t *testing.T) {
	r := example()
	r.Miss("the launcher", errors.New("no root"))
	for name, text := range map[string]string{"text": report.Text(r), "markdown": report.Markdown(r)} {
		for _, part := range []string{"scripts/bench cold", "A note.", "node -e 0", "0.150", "240.0", "310.0", "not available: runc is not installed",
			"fork", "beyond", "not available: too many", "the launcher: no root", "PASS", "miss", "not measured"} {
			if !strings.Contains(text, part) {
				t.Errorf("the %s lacks %q:\n%s", name, part, text)
			}
		}
	}
}

func TestJSONKeepsEverything(t *testing.T) {
	r := example()
	path := filepath.Join(t.TempDir(), "report.json")
	if err := report.WriteJSON(path, r); err != nil {
		t.Fatal(err)
	}
	read := &Report{}
	if err := report.ReadJSON(path, read); err != nil {
		t.Fatal(err)
	}
	if name, err := report.BenchmarkOf(path); err != nil || name != "cold" {
		t.Errorf("it is taken for a report of %q: %v", name, err)
	}
	if !reflect.DeepEqual(r, read) {
		t.Errorf("wrote %+v, read %+v", r, read)
	}
}
