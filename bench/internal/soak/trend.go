package soak

import (
	"slices"

	"serverless-orchestrator/bench/internal/platform"
)

// trend is how a group was in the first third of the looks, and in the last.
type trend struct {
	group       string
	first, last average
}

// average of some looks.
type average struct {
	processes, memory, descriptors float64
	// Of the whole platform.
	sandboxes float64
}

// trends of all groups that were seen; none of too few looks.
func (r *Report) trends() []trend {
	looks := r.usable()
	if len(looks) < leastLooks {
		return nil
	}
	third := len(looks) / 3
	var found []trend
	for _, group := range groupOrder {
		t := trend{group, averageOf(looks[:third], group), averageOf(looks[len(looks)-third:], group)}
		if t.first.processes > 0 || t.last.processes > 0 {
			found = append(found, t)
		}
	}
	return found
}

func averageOf(looks []Look, group string) average {
	var sum average
	for _, look := range looks {
		use := look.Groups[group]
		sum.processes += float64(len(use.PIDs))
		sum.memory += use.RSS
		sum.descriptors += float64(use.Descriptors)
		sum.sandboxes += float64(look.sandboxes())
	}
	n := float64(len(looks))
	return average{sum.processes / n, sum.memory / n, sum.descriptors / n, sum.sandboxes / n}
}

// comparable are the numbers that may not grow. There are as many sandboxes as
// the load needs at the time, so theirs are those of one process.
func (t trend) comparable() (first, last average) {
	if t.group != platform.Instances && t.group != platform.Waiting {
		return t.first, t.last
	}
	return t.first.each(), t.last.each()
}

func (a average) each() average {
	if a.processes == 0 {
		return average{}
	}
	return average{1, a.memory / a.processes, a.descriptors / a.processes, a.sandboxes}
}

// holders have files open for each sandbox.
var holders = []string{"pool", "launcher"}

// memoryExcess and descriptorExcess are what a group has in the last third above
// what it may have, in bytes and files; not above 0 when all is well.
func (t trend) memoryExcess(tolerance Tolerance) float64 {
	first, last := t.comparable()
	if first.processes == 0 {
		return 0 // It came in the middle of the run: there is nothing to grow from.
	}
	return last.memory - first.memory*(1+tolerance.Share) - float64(tolerance.Memory)*max(1, first.processes)
}

func (t trend) descriptorExcess(tolerance Tolerance) float64 {
	first, last := t.comparable()
	if first.processes == 0 {
		return 0
	}
	allowed := first.descriptors*(1+tolerance.Share) + float64(tolerance.Descriptors)
	if slices.Contains(holders, t.group) {
		allowed += float64(tolerance.PerSandbox) * max(0, last.sandboxes-first.sandboxes)
	}
	return last.descriptors - allowed
}
