package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency is what a number of calls took.
type Latency struct {
	N    int64         `json:"n"`
	Mean time.Duration `json:"mean_ns"`
	P50  time.Duration `json:"p50_ns"`
	P90  time.Duration `json:"p90_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	Max  time.Duration `json:"max_ns"`
}

// What a histogram tells apart: values from a microsecond to two minutes, to a
// thousandth of themselves. Raw samples of all the calls would take too much
// memory from what is measured.
const (
	shortest = time.Microsecond
	longest  = 2 * time.Minute
	digits   = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(shortest), int64(longest), digits)
}

func add(histogram *hdrhistogram.Histogram, latency time.Duration) {
	// Cannot fail: the value is within the bounds.
	_ = histogram.RecordValue(int64(min(max(latency, shortest), longest)))
}

// summarize takes nil for no calls.
func summarize(histogram *hdrhistogram.Histogram) Latency {
	if histogram == nil || histogram.TotalCount() == 0 {
		return Latency{}
	}
	at := func(percentile float64) time.Duration {
		return time.Duration(histogram.ValueAtQuantile(percentile))
	}
	return Latency{
		N: histogram.TotalCount(), Mean: time.Duration(histogram.Mean()),
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: time.Duration(histogram.Max()),
	}
}
