package baseline

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBundleHasTheProgramAndLinksIntoUsr(t *testing.T) {
	bundle := filepath.Join(t.TempDir(), "bundle")
	if err := makeBundle(bundle, Program{"true", []string{"/usr/bin/true"}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var written struct {
		Process struct{ Args []string }
	}
	if err := json.Unmarshal(text, &written); err != nil || len(written.Process.Args) != 1 {
		t.Errorf("got %s, %v", text, err)
	}
	if link, err := os.Readlink(filepath.Join(bundle, "rootfs/lib64")); err != nil || link != "usr/lib64" {
		t.Errorf("lib64 is %q, %v", link, err)
	}
}

func TestAFailedStartSaysWhy(t *testing.T) {
	err := start([]string{"/bin/sh", "-c", "echo first; echo last >&2; exit 3"})(context.Background())
	if err == nil || !strings.Contains(err.Error(), "exit status 3: last") {
		t.Errorf("got %v", err)
	}
}

func TestStartedProgramsHaveNoEnvironment(t *testing.T) {
	t.Setenv("SO_BENCH_SECRET", "x")
	if err := start([]string{"/bin/sh", "-c", `test -z "$SO_BENCH_SECRET"`})(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestACaseThatDoesNotWorkIsKeptWithItsReason(t *testing.T) {
	var set Set
	set.add(context.Background(), Case{ID: "bare/false", Operation: start([]string{"/bin/false"})})
	if got := set.Cases[0]; got.Problem == nil || got.Operation != nil {
		t.Errorf("got %+v", got)
	}
}
