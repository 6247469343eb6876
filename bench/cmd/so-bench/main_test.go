package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"serverless-orchestrator/bench/internal/report"
)

func TestEveryBenchmarkIsExplainedAndItsDefaultsMakeSense(t *testing.T) {
	for name, chosen := range benchmarks {
		if !strings.Contains(usage, "scripts/bench "+name+" ") {
			t.Errorf("%s is not in the usage", name)
		}
		options := chosen.options()
		options.Register(flag.NewFlagSet(name, flag.ContinueOnError))
		if err := options.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheCommandIsWhatSomebodyTypes(t *testing.T) {
	flags := flag.NewFlagSet("scripts/bench soak", flag.ContinueOnError)
	benchmarks["soak"].options().Register(flags)
	var out outputs
	out.register(flags)
	if err := flags.Parse([]string{"--root=/x", "--json=y", "--body=8k", "--runtimes=go,rust", "--minutes=90s"}); err != nil {
		t.Fatal(err)
	}
	if got := command(flags); got != "scripts/bench soak --body=8k --minutes=1m30s --runtimes=go,rust" {
		t.Errorf("got %s", got)
	}
}

func TestReportsAreShownByTheirName(t *testing.T) {
	for name, chosen := range benchmarks {
		path := filepath.Join(t.TempDir(), name)
		if err := report.WriteJSON(path, chosen.results()); err != nil {
			t.Fatal(err)
		}
		if err := show([]string{path}); err == nil {
			t.Errorf("%s: a report without a name is shown", name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		named := strings.Replace(string(text), `"benchmark": ""`, `"benchmark": "`+name+`"`, 1)
		if err := os.WriteFile(path, []byte(named), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := show([]string{path}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	for _, arguments := range [][]string{nil, {"lukewarm"}, {"warm", "--rounds=0"}, {"warm", "more"}, {"warm", "--no-such"}, {"show"}} {
		if err := run(arguments); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", arguments, err)
		}
	}
}
