package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Programs of the platform, in the order in which a call meets them, then the
// others.
var Programs = []string{"gateway", "router", "pool", "launcher", "registry", "scaler"}

// Groups of processes that are not a program of the platform.
const (
	// All processes of sandboxes that have a function's code.
	Instances = "instances"
	// Zygotes, and sandboxes that wait for a function.
	Waiting = "waiting sandboxes"
)

// GroupsBelow are the processes that descend from the supervisor, by the program
// that they are.
func (p Processes) GroupsBelow(supervisor int) (map[string][]int, error) {
	children, err := p.children()
	if err != nil {
		return nil, err
	}
	groups := map[string][]int{}
	for _, child := range children[supervisor] {
		name, isOurs := strings.CutPrefix(strings.TrimSpace(p.read(child, "comm")), "so-")
		if !isOurs || !slices.Contains(Programs, name) {
			continue
		}
		groups[name] = append(groups[name], child)
		if name == "launcher" {
			p.addSandboxes(groups, children, child)
		}
	}
	for _, program := range Programs {
		if len(groups[program]) == 0 {
			return nil, fmt.Errorf("so-%s is not running", program)
		}
	}
	return groups, nil
}

func (p Processes) addSandboxes(groups map[string][]int, children map[int][]int, launcher int) {
	pending := slices.Clone(children[launcher])
	for len(pending) > 0 {
		pid := pending[len(pending)-1]
		pending = append(pending[:len(pending)-1], children[pid]...)
		group := Waiting
		if strings.Contains(p.read(pid, "mountinfo"), codeMount) {
			group = Instances
		}
		groups[group] = append(groups[group], pid)
	}
}

// tick is the unit of time in /proc/<pid>/stat, the same on all of Linux.
const tick = 10 * time.Millisecond

// CPU is the time that processes have used, in user space and in the kernel, to
// a tick each. Those that have ended count nothing.
func (p Processes) CPU(pids ...int) time.Duration {
	var sum time.Duration
	for _, pid := range pids {
		sum += cpuOf(p.read(pid, "stat"))
	}
	return sum
}

func cpuOf(stat string) time.Duration {
	// "pid (name) state ppid ...", where the name may hold anything; utime and
	// stime are fields 14 and 15.
	_, rest, found := cutLast(stat, ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 13 {
		return 0
	}
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	kernel, errKernel := strconv.ParseInt(fields[12], 10, 64)
	if errUser != nil || errKernel != nil {
		return 0
	}
	return time.Duration(user+kernel) * tick
}

// RSS is the sum of what processes have in memory, in bytes; pages that they
// share count in each.
func (p Processes) RSS(pids ...int) float64 {
	var sum float64
	for _, pid := range pids {
		if kilobytes, found := number(p.read(pid, "status"), "VmRSS:"); found {
			sum += kilobytes * 1024
		}
	}
	return sum
}

// Descriptors is how many files processes have open together.
func (p Processes) Descriptors(pids ...int) int {
	sum := 0
	for _, pid := range pids {
		if entries, err := os.ReadDir(filepath.Join(p.Dir, strconv.Itoa(pid), "fd")); err == nil {
			sum += len(entries)
		}
	}
	return sum
}
