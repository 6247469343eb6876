package cold

import (
	"archive/zip"
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"serverless-orchestrator/bench/internal/platform"
)

func parsed(t *testing.T, arguments ...string) (Options, error) {
	t.Helper()
	var options Options
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	options.Register(flags)
	err := flags.Parse(arguments)
	if err == nil {
		err = options.Check()
	}
	return options, err
}

func TestOptions(t *testing.T) {
	options, err := parsed(t, "--runtimes=node,go", "--memory=5", "--skip=pool,none")
	if err != nil || !slices.Equal(options.Runtimes, []string{"node", "go"}) || !slices.Equal(options.Memory, []int{5}) || options.has("none") || !options.has("rates") {
		t.Errorf("got %+v, %v", options, err)
	}
	for _, wrong := range []string{"--skip=nonsense", "--memory=0", "--loops=x", "--rounds=0", "--rounds=500", "--pace=0s"} {
		if _, err := parsed(t, wrong); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}

func TestRoundsAddUp(t *testing.T) {
	options := Options{Rounds: 4}
	for _, c := range []struct {
		n     int
		share float64
		want  int
	}{{10, 1, 10}, {100, 0.2, 20}, {10, 0.01, 4}} {
		sum := 0
		for round := range options.Rounds {
			sum += options.inRound(c.n, c.share, round)
		}
		if sum != c.want {
			t.Errorf("%+v: got %d", c, sum)
		}
	}
}

func TestStepsStandInTheOrderTheyAreTaken(t *testing.T) {
	after := map[platform.Labels]*platform.Histogram{}
	for _, labels := range []platform.Labels{{Runtime: "python", Step: "fork"}, {Runtime: "node", Step: "another"}, {Runtime: "node", Step: "activate"},
		{Runtime: "node", Step: "cgroup"}, {Runtime: "node", Step: "idle"}} {
		after[labels] = &platform.Histogram{Count: 3, Sum: 3}
	}
	before := map[platform.Labels]*platform.Histogram{{Runtime: "node", Step: "idle"}: {Count: 3, Sum: 3}}
	var got []string
	for _, step := range stepsBetween("parked", before, after) {
		got = append(got, step.Runtime+" "+step.Name)
	}
	if want := []string{"node cgroup", "node activate", "node another", "python fork"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestABootstrapIsAnExecutableInAnArchive(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	definition, err := hello("custom", "name", program)
	if err != nil {
		t.Fatal(err)
	}
	packed, _ := definition["archive"].([]byte)
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil || len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode() != 0o755 {
		t.Errorf("got %+v, %v", archive, err)
	}
	if _, inline := definition["code"]; inline {
		t.Error("it has code too")
	}
}
