package platform

import (
	"testing"
	"time"
)

const exposition = `# HELP so_start_step_seconds Steps of starts.
# TYPE so_start_step_seconds histogram
so_start_step_seconds_bucket{runtime="node",step="fork",le="0.001"} 1
so_start_step_seconds_bucket{runtime="node",step="fork",le="0.002"} 9
so_start_step_seconds_bucket{runtime="node",step="fork",le="+Inf"} 10
so_start_step_seconds_sum{runtime="node",step="fork"} 0.02
so_start_step_seconds_count{runtime="node",step="fork"} 10
so_start_step_seconds_sum{step="init",runtime="python"} 1
so_start_step_seconds_count{step="init",runtime="python"} 4
so_start_step_seconds_other 3
so_queue_depth{function="a"} 1
`

func TestHistogramsAreParsed(t *testing.T) {
	found := ParseHistograms(exposition, "so_start_step_seconds")
	if len(found) != 2 {
		t.Fatalf("found %v", found)
	}
	fork := found[Labels{"node", "fork"}]
	if fork.Count != 10 || fork.Mean() != 2*time.Millisecond {
		t.Errorf("got %+v", fork)
	}
	for share, want := range map[float64]time.Duration{0.1: time.Millisecond, 0.11: 2 * time.Millisecond, 0.9: 2 * time.Millisecond, 0.99: 0} {
		if got := fork.AtMost(share); got != want {
			t.Errorf("at most %v: got %v, want %v", share, got, want)
		}
	}
}

func TestOnlyWhatWasAddedCounts(t *testing.T) {
	before := ParseHistograms(exposition, "so_start_step_seconds")[Labels{"node", "fork"}]
	after := &Histogram{Count: 12, Sum: 0.05, Buckets: []Bucket{{0.001, 3}, {0.002, 11}, {before.Buckets[2].Bound, 12}}}
	added := after.Since(before)
	if added.Count != 2 || added.Mean().Round(time.Millisecond) != 15*time.Millisecond || added.AtMost(1) != time.Millisecond {
		t.Errorf("got %+v", added)
	}
	if got := after.Since(nil); got != after {
		t.Errorf("since nothing: %+v", got)
	}
}
