package soak

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/report"
)

const mb = 1 << 20

// steady is a run of nine looks at which nothing changes.
func steady() *Report {
	r := &Report{Head: report.Head{Benchmark: "soak"}, Tolerance: Tolerance{Share: 0.1, Memory: 2 * mb, Descriptors: 3, PerSandbox: 5}}
	for i := range 9 {
		look := Look{At: time.Duration(i) * time.Second, Groups: map[string]Use{},
			Functions: []platform.FunctionMetrics{{Total: 3, Warm: 1, Busy: 2}}}
		for n, program := range platform.Programs {
			look.Groups[program] = Use{PIDs: []int{n}, RSS: 20 * mb, Descriptors: 10}
		}
		look.Groups[platform.Instances] = Use{PIDs: []int{50, 51}, RSS: 40 * mb, Descriptors: 20}
		r.Looks = append(r.Looks, look)
	}
	r.Functions = []Function{{Runtime: "node", Elapsed: time.Second, Latency: load.Latency{N: 7}, Counts: load.Counts{load.OK: 6, load.Cold: 1}}}
	return r
}

// set changes the use of a group in the last third.
func set(r *Report, group string, use Use) {
	for i := 6; i < 9; i++ {
		r.Looks[i].Groups[group] = use
	}
}

func TestWhatDoesNotGrowPasses(t *testing.T) {
	r := steady()
	// Exactly what is tolerated.
	set(r, "pool", Use{PIDs: []int{2}, RSS: 24 * mb, Descriptors: 14})
	// More instances, none of which is greater.
	set(r, platform.Instances, Use{PIDs: []int{50, 51, 52, 53}, RSS: 80 * mb, Descriptors: 40})
	r.Judge()
	if !r.passed() {
		t.Errorf("got %+v", r.Aims)
	}
}

func TestFilesThatBelongToMoreSandboxesAreNoLeak(t *testing.T) {
	more := func(descriptors int, group string) *Report {
		r := steady()
		set(r, group, Use{PIDs: []int{slices.Index(platform.Programs, group)}, RSS: 20 * mb, Descriptors: descriptors})
		for i := 6; i < 9; i++ {
			r.Looks[i].Functions = []platform.FunctionMetrics{{Total: 5, Warm: 5}}
		}
		r.Judge()
		return r
	}
	// Two more, of five files each, and what is tolerated of the ten before.
	if r := more(24, "pool"); !r.passed() {
		t.Errorf("got %+v", r.Aims)
	}
	if more(25, "pool").passed() || more(24, "router").passed() {
		t.Error("a leak passed")
	}
}

func TestEverythingThatIsWrongFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Report)
		aim    string
	}{
		"memory":              {func(r *Report) { set(r, "pool", Use{PIDs: []int{2}, RSS: 24*mb + 1, Descriptors: 10}) }, "memory grows"},
		"descriptors":         {func(r *Report) { set(r, "pool", Use{PIDs: []int{2}, RSS: 20 * mb, Descriptors: 15}) }, "open files grow"},
		"memory of instances": {func(r *Report) { set(r, platform.Instances, Use{PIDs: []int{50}, RSS: 25 * mb, Descriptors: 10}) }, "memory grows"},
		"states":              {func(r *Report) { r.Looks[4].Functions[0].Total = 4 }, "states of instances"},
		"a look":              {func(r *Report) { r.Looks[4].Problem = "no answer" }, "looks that failed"},
		"a restart":           {func(r *Report) { r.Looks[4].Groups["router"] = Use{PIDs: []int{99}, RSS: 20 * mb, Descriptors: 10} }, "started again"},
		"an error":            {func(r *Report) { r.Functions[0].Counts["NO_CAPACITY"] = 1 }, "without a right answer"},
	} {
		r := steady()
		c.change(r)
		r.Judge()
		if r.passed() {
			t.Errorf("%s: it passed", name)
		}
		for _, verdict := range r.Aims {
			if missed := verdict.Outcome != report.Pass; missed != strings.Contains(verdict.What, c.aim) {
				t.Errorf("%s: %+v", name, verdict)
			}
		}
	}
}

func TestARunThatIsTooShortDoesNotPass(t *testing.T) {
	r := steady()
	r.Looks = r.Looks[:leastLooks-1]
	r.Judge()
	if r.passed() || r.Aims[0].Outcome != report.NotMeasured {
		t.Errorf("got %+v", r.Aims)
	}
}

func TestTheTrendIsShown(t *testing.T) {
	r := steady()
	set(r, "pool", Use{PIDs: []int{2}, RSS: 30 * mb, Descriptors: 10})
	set(r, "router", Use{PIDs: []int{1}, RSS: 20 * mb, Descriptors: 20})
	r.Judge()
	text := report.Text(r)
	for _, part := range []string{"30.00  +50.0 %", "memory GROWS", "+100.0 %  open files GROW", "9 looks"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestOptions(t *testing.T) {
	for arguments, right := range map[string]bool{
		"": true, "--minutes=1m --settle=0s": true, "--minutes=50s": false, "--every=0s": false, "--rate=0": false, "--body=1": false, "--tolerance=-1": false, "--runtimes=cobol": false,
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
