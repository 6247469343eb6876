package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"
)

// process writes one into a /proc of a test.
func process(t *testing.T, dir string, pid, parent int, name string, files map[string]string) {
	t.Helper()
	path := filepath.Join(dir, strconv.Itoa(pid))
	if err := os.MkdirAll(filepath.Join(path, "fd"), 0o755); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"comm": name + "\n",
		"stat": fmt.Sprintf("%d (%s) S %d 1 1 0 -1 4194304 1 0 0 0 %d %d 0 0 20 0 1 0 1 1 1\n", pid, name, parent, pid, 2*pid),
	}
	for file, text := range files {
		all[file] = text
	}
	for file, text := range all {
		if err := os.WriteFile(filepath.Join(path, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func platformProcesses(t *testing.T) Processes {
	dir := t.TempDir()
	process(t, dir, 10, 1, "supervisord", nil)
	for i, program := range Programs {
		process(t, dir, 11+i, 10, "so-"+program, nil)
	}
	launcher := 11 + slices.Index(Programs, "launcher")
	code := map[string]string{"mountinfo": "1 2 3:4 / /var/task ro - ext4 / rw\n"}
	process(t, dir, 30, launcher, "node) S 1 (", nil)
	process(t, dir, 31, 30, "node", code)
	process(t, dir, 32, 30, "so-init", code)
	process(t, dir, 33, 32, "main", code)
	process(t, dir, 40, 10, "bash", nil)
	process(t, dir, 41, 1, "so-pool", nil) // Of another platform.
	return Processes{Dir: dir}
}

func TestProcessesAreGroupedByProgram(t *testing.T) {
	groups, err := platformProcesses(t).GroupsBelow(10)
	if err != nil {
		t.Fatal(err)
	}
	for _, pids := range groups {
		slices.Sort(pids)
	}
	want := map[string][]int{Instances: {31, 32, 33}, Waiting: {30}}
	for i, program := range Programs {
		want[program] = []int{11 + i}
	}
	if !reflect.DeepEqual(groups, want) {
		t.Errorf("got %v, want %v", groups, want)
	}
}

func TestAProgramThatIsMissingIsSaid(t *testing.T) {
	processes := platformProcesses(t)
	if err := os.RemoveAll(filepath.Join(processes.Dir, "11")); err != nil {
		t.Fatal(err)
	}
	if _, err := processes.GroupsBelow(10); err == nil {
		t.Error("so-gateway is not running, and nobody says so")
	}
}

func TestCPUIsThatOfUserAndKernel(t *testing.T) {
	processes := platformProcesses(t)
	// A name may hold what separates fields.
	if got := processes.CPU(30); got != 90*tick {
		t.Errorf("got %v", got)
	}
	if got := processes.CPU(31, 32, 99); got != (93+96)*tick {
		t.Errorf("got %v", got)
	}
	for _, broken := range []string{"", "1 (x) S", "1 (x) S 1 1 1 0 -1 4 1 0 0 0 a b 0"} {
		if got := cpuOf(broken); got != 0 {
			t.Errorf("%q: %v", broken, got)
		}
	}
}

func TestCPUOfThisProcessGrows(t *testing.T) {
	processes := Processes{Dir: "/proc"}
	before := processes.CPU(os.Getpid())
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if processes.CPU(os.Getpid()) > before {
			return
		}
	}
	t.Error("busy for ten seconds, and used nothing")
}

func TestMemoryAndDescriptorsAreSums(t *testing.T) {
	dir := t.TempDir()
	process(t, dir, 1, 0, "a", map[string]string{"status": "Name:\ta\nVmRSS:\t  100 kB\n", "fd/0": "", "fd/1": ""})
	process(t, dir, 2, 0, "b", map[string]string{"status": "VmRSS:\t50 kB\n", "fd/0": ""})
	processes := Processes{Dir: dir}
	if got := processes.RSS(1, 2, 3); got != 150*1024 {
		t.Errorf("RSS %v", got)
	}
	if got := processes.Descriptors(1, 2, 3); got != 3 {
		t.Errorf("%d descriptors", got)
	}
}

func TestStatesAddUp(t *testing.T) {
	right := FunctionMetrics{Total: 10, Warm: 1, Busy: 2, Warming: 3, Terminating: 4}
	wrong := right
	wrong.Warm = 2
	if !right.AddUp() || wrong.AddUp() {
		t.Error("they do not")
	}
}
