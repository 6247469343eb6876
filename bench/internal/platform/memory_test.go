package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// fakeProc makes files of a /proc.
type fakeProc struct {
	t   *testing.T
	dir string
}

func (f fakeProc) write(path, text string) {
	f.t.Helper()
	full := filepath.Join(f.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f fakeProc) process(pid, parent int, namespace, inner string, pss int, mounts string) {
	f.t.Helper()
	place := fmt.Sprint(pid)
	f.write(place+"/stat", fmt.Sprintf("%d (a (b) c) S %d 1 1", pid, parent))
	f.write(place+"/mountinfo", "1 0 0:1 / / rw - tmpfs x rw\n"+mounts)
	f.write(place+"/smaps_rollup", fmt.Sprintf("0-f ---p 0 00:00 0 [rollup]\nRss: 1 kB\nPss:   %d kB\n", pss))
	f.write(place+"/status", "Name:\tx\nNSpid:\t"+place+"\t"+inner+"\n")
	f.write(place+"/cgroup", "4:memory:/so/"+namespace+"\n")
	if err := os.MkdirAll(filepath.Join(f.dir, place, "ns"), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Symlink("pid:["+namespace+"]", filepath.Join(f.dir, place, "ns/pid")); err != nil {
		f.t.Fatal(err)
	}
}

func TestInstancesAreFoundBelowAProcess(t *testing.T) {
	f := fakeProc{t, t.TempDir()}
	code := "2 1 0:2 / /var/task ro - ext4 x ro\n"
	f.process(10, 1, "host", "", 100, "")
	f.process(11, 10, "host", "", 100, code)  // The launcher's.
	f.process(12, 11, "parked", "1", 100, "") // No code yet.
	f.process(13, 11, "one", "1", 2000, code)
	f.process(14, 13, "one", "7", 3000, code)
	f.process(15, 11, "two", "1", 500, code)
	f.process(20, 1, "stranger", "1", 100, code)
	got, err := Processes{f.dir}.InstancesBelow(10)
	if err != nil {
		t.Fatal(err)
	}
	want := Usage{Instances: 2, PSS: 5500 * 1024, OthersPSS: 3000 * 1024}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMemoryCgroupsAreReadInBothVersions(t *testing.T) {
	directory := t.TempDir()
	for _, file := range []string{"so/a/memory.usage_in_bytes", "so/a/memory.current"} {
		fakeProc{t, directory}.write(file, "4096\n")
	}
	for name, mountinfo := range map[string]string{
		"v1":    "5 1 0:3 /here " + directory + " rw shared:1 - cgroup cgroup rw,memory\n6 1 0:4 / /elsewhere rw - cgroup2 cgroup2 rw\n",
		"v2":    "6 1 0:4 /here " + directory + " rw - cgroup2 cgroup2 rw\n",
		"mixed": "6 1 0:4 / /elsewhere rw - cgroup2 cgroup2 rw\n5 1 0:3 /here " + directory + " rw - cgroup cgroup rw,cpu,memory\n",
	} {
		memberships := "4:cpu,memory:/here/so/a\n0::/here/so/a\n"
		if got := memoryCgroup(mountinfo).usage(memberships); got != 4096 {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
