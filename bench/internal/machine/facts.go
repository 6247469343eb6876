// Package machine tells what a run was measured on.
package machine

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Facts are those that numbers depend on.
type Facts struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	System string `json:"system"`
	// Bytes.
	Memory uint64 `json:"memory"`
	// "v1", "v2" or "mixed".
	Cgroups string `json:"cgroups"`
	// The one-minute average when the run began: anything much above 0 means
	// that others were using the machine.
	Load     float64           `json:"load"`
	Versions map[string]string `json:"versions"`
}

// Look asks the machine. What cannot be found out stays empty.
func Look() Facts {
	facts := Facts{
		CPU:      field("/proc/cpuinfo", "model name"),
		Cores:    runtime.NumCPU(),
		Kernel:   strings.TrimSpace(read("/proc/sys/kernel/osrelease")),
		System:   strings.Trim(shellField("/etc/os-release", "PRETTY_NAME"), `"`),
		Cgroups:  cgroups(read("/proc/self/mountinfo")),
		Versions: map[string]string{},
	}
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		facts.Memory = info.Totalram * uint64(info.Unit)
	}
	if load, _, found := strings.Cut(read("/proc/loadavg"), " "); found {
		facts.Load, _ = strconv.ParseFloat(load, 64)
	}
	return facts
}

// addVersion notes the first line that a program prints about itself.
func (f *Facts) addVersion(ctx context.Context, name string, command ...string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(output), "\n")
	f.Versions[name] = strings.TrimSpace(first)
}

// Lines are for people.
func (f Facts) Lines() []string {
	lines := []string{
		fmt.Sprintf("%s, %d processors, %.1f GB, load %.2f at the start", f.CPU, f.Cores, float64(f.Memory)/(1<<30), f.Load),
		fmt.Sprintf("%s, kernel %s, cgroups %s", f.System, f.Kernel, f.Cgroups),
	}
	names := make([]string, 0, len(f.Versions))
	for name := range f.Versions {
		names = append(names, name)
	}
	slices.Sort(names)
	var versions []string
	for _, name := range names {
		versions = append(versions, name+": "+f.Versions[name])
	}
	if len(versions) > 0 {
		lines = append(lines, strings.Join(versions, "; "))
	}
	return lines
}

func cgroups(mountinfo string) string {
	v1, v2 := false, false
	for line := range strings.Lines(mountinfo) {
		_, about, _ := strings.Cut(line, " - ")
		fields := strings.Fields(about)
		if len(fields) < 3 {
			continue
		}
		switch fields[0] {
		case "cgroup2":
			v2 = true
		case "cgroup":
			// Hierarchies without controllers do not limit anything.
			v1 = v1 || slices.Contains(strings.Split(fields[2], ","), "memory")
		}
	}
	switch {
	case v1 && v2:
		return "mixed (memory in v1)"
	case v1:
		return "v1"
	case v2:
		return "v2"
	}
	return "none"
}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// field is the value of the first "name : value" line.
func field(path, name string) string { return find(path, name, ":") }

func shellField(path, name string) string { return find(path, name, "=") }

func find(path, name, separator string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, found := strings.Cut(lines.Text(), separator)
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
