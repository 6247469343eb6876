package platform

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Usage is what the processes of some instances take together, in bytes.
type Usage struct {
	Instances int
	PSS       float64
	// The part of it that is not each instance's first process. Where the first
	// is the platform's own, the rest is the function's program.
	OthersPSS float64
	// Sum over the memory cgroups, 0 when they cannot be read.
	Cgroup float64
}

// codeMount is where an instance has its code; a parked sandbox has nothing
// there.
const codeMount = " /var/task "

// Processes reads a /proc.
type Processes struct{ Dir string }

// InstancesBelow measures the instances whose processes descend from one of the
// platform's. Needs root: instances run as other users.
func (p Processes) InstancesBelow(ancestor int) (Usage, error) {
	children, err := p.children()
	if err != nil {
		return Usage{}, err
	}
	own, err := os.Readlink(p.path(ancestor, "ns/pid"))
	if err != nil {
		return Usage{}, err
	}
	memory := memoryCgroup(p.read(os.Getpid(), "mountinfo"))
	var usage Usage
	seen := map[string]bool{}
	pending := []int{ancestor}
	for len(pending) > 0 {
		pid := pending[len(pending)-1]
		pending = append(pending[:len(pending)-1], children[pid]...)
		namespace, err := os.Readlink(p.path(pid, "ns/pid"))
		if err != nil || namespace == own || !strings.Contains(p.read(pid, "mountinfo"), codeMount) {
			continue
		}
		pss, err := p.pss(pid)
		if err != nil {
			return Usage{}, err
		}
		usage.PSS += pss
		if !p.isFirst(pid) {
			usage.OthersPSS += pss
		}
		if !seen[namespace] {
			seen[namespace] = true
			usage.Instances++
			usage.Cgroup += memory.usage(p.read(pid, "cgroup"))
		}
	}
	return usage, nil
}

func (p Processes) path(pid int, name string) string {
	return filepath.Join(p.Dir, strconv.Itoa(pid), name)
}

func (p Processes) read(pid int, name string) string {
	text, err := os.ReadFile(p.path(pid, name))
	if err != nil {
		return "" // It has ended.
	}
	return string(text)
}

func (p Processes) children() (map[int][]int, error) {
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// "pid (name) state ppid ...", where the name may hold anything.
		_, rest, found := cutLast(p.read(pid, "stat"), ") ")
		fields := strings.Fields(rest)
		if !found || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	return children, nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

func (p Processes) pss(pid int) (float64, error) {
	kilobytes, found := number(p.read(pid, "smaps_rollup"), "Pss:")
	if !found {
		return 0, fmt.Errorf("the memory map of process %d cannot be read: it has ended, or this needs root", pid)
	}
	return kilobytes * 1024, nil
}

// isFirst is whether a process is the first one of its pid namespace.
func (p Processes) isFirst(pid int) bool {
	for line := range strings.Lines(p.read(pid, "status")) {
		if ids, found := strings.CutPrefix(line, "NSpid:"); found {
			fields := strings.Fields(ids)
			return len(fields) > 0 && fields[len(fields)-1] == "1"
		}
	}
	return false
}

// Available is how many bytes the machine could still give to programs.
func (p Processes) Available() (float64, error) {
	text, err := os.ReadFile(filepath.Join(p.Dir, "meminfo"))
	if err != nil {
		return 0, err
	}
	kilobytes, found := number(string(text), "MemAvailable:")
	if !found {
		return 0, fmt.Errorf("no MemAvailable in meminfo")
	}
	return kilobytes * 1024, nil
}

// number is that of the first line that begins with a name.
func number(text, name string) (float64, bool) {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == name {
			value, err := strconv.ParseFloat(fields[1], 64)
			return value, err == nil
		}
	}
	return 0, false
}

// hierarchy is where memory cgroups are mounted.
type hierarchy struct {
	root, mount string
	// In /proc/<pid>/cgroup: ":memory:" for v1, "0::" for v2.
	marker, file string
}

func memoryCgroup(mountinfo string) hierarchy {
	var unified hierarchy
	for line := range strings.Lines(mountinfo) {
		place, about, _ := strings.Cut(line, " - ")
		where, what := strings.Fields(place), strings.Fields(about)
		if len(where) < 5 || len(what) < 3 {
			continue
		}
		switch {
		case what[0] == "cgroup" && strings.Contains(","+what[2]+",", ",memory,"):
			return hierarchy{where[3], where[4], "memory", "memory.usage_in_bytes"}
		case what[0] == "cgroup2":
			unified = hierarchy{where[3], where[4], "", "memory.current"}
		}
	}
	return unified
}

// usage takes the text of a process's `cgroup` file.
func (h hierarchy) usage(memberships string) float64 {
	for line := range strings.Lines(memberships) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 || !strings.Contains(","+fields[1]+",", ","+h.marker+",") {
			continue
		}
		path := filepath.Join(h.mount, strings.TrimPrefix(fields[2], strings.TrimSuffix(h.root, "/")), h.file)
		text, err := os.ReadFile(path)
		if err != nil {
			return 0
		}
		value, _ := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		return value
	}
	return 0
}
