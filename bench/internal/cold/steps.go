package cold

import (
	"cmp"
	"slices"

	"serverless-orchestrator/bench/internal/platform"
)

// The order in which a start takes its steps; others come last.
var stepOrder = []string{"cgroup", "fork", "namespaces", "mounts", "identity", "filter", "activate", "start", "init"}

func stepsBetween(how string, before, after map[platform.Labels]*platform.Histogram) []Step {
	var steps []Step
	for labels, histogram := range after {
		added := histogram.Since(before[labels])
		if added.Count == 0 {
			continue
		}
		steps = append(steps, Step{
			Runtime: labels.Runtime, How: how, Name: labels.Step, Count: added.Count,
			Mean: added.Mean(), P50: added.AtMost(0.50), P99: added.AtMost(0.99),
		})
	}
	slices.SortFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Runtime, b.Runtime), cmp.Compare(rank(a.Name), rank(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return steps
}

func rank(step string) int {
	if i := slices.Index(stepOrder, step); i >= 0 {
		return i
	}
	return len(stepOrder)
}
