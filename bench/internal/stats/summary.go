package stats

import (
	"math"
	"slices"
	"time"
)

// Summary is what a set of samples shows.
type Summary struct {
	N    int           `json:"n"`
	Mean time.Duration `json:"mean"`
	P50  time.Duration `json:"p50"`
	P90  time.Duration `json:"p90"`
	P99  time.Duration `json:"p99"`
	Max  time.Duration `json:"max"`
}

// Summarize leaves the samples as they are. Of none it returns the zero value.
func Summarize(samples []time.Duration) Summary {
	if len(samples) == 0 {
		return Summary{}
	}
	sorted := slices.Sorted(slices.Values(samples))
	var sum float64
	for _, sample := range sorted {
		sum += float64(sample)
	}
	return Summary{
		N:    len(sorted),
		Mean: time.Duration(sum / float64(len(sorted))),
		P50:  ofSorted(sorted, 0.50),
		P90:  ofSorted(sorted, 0.90),
		P99:  ofSorted(sorted, 0.99),
		Max:  sorted[len(sorted)-1],
	}
}

// ofSorted is the nearest-rank percentile: the smallest sample that at least
// this share of all samples does not exceed.
func ofSorted(sorted []time.Duration, share float64) time.Duration {
	// The small amount takes away what 0.9*10 has too much in binary.
	rank := int(math.Ceil(share*float64(len(sorted)) - 1e-9))
	return sorted[max(rank, 1)-1]
}
