package machine

import "testing"

func TestCgroupVersionsAreToldApart(t *testing.T) {
	const (
		memory  = "1 0 0:1 / /m rw shared:4 - cgroup cgroup rw,memory\n"
		named   = "2 0 0:2 / /s rw - cgroup cgroup rw,name=systemd\n"
		unified = "3 0 0:3 / /u rw - cgroup2 cgroup2 rw\n"
	)
	for mountinfo, want := range map[string]string{
		memory + named:   "v1",
		memory + unified: "mixed (memory in v1)",
		named + unified:  "v2",
		"":               "none",
	} {
		if got := cgroups(mountinfo); got != want {
			t.Errorf("%q: got %q, want %q", mountinfo, got, want)
		}
	}
}
