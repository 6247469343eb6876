package platform

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Labels of one histogram, without "le".
type Labels struct{ Runtime, Step string }

// Histogram is one of the Prometheus kind.
type Histogram struct {
	Count uint64
	Sum   float64
	// Cumulative, by upper bound in seconds; the last is infinite.
	Buckets []Bucket
}

// Bucket counts what does not exceed its bound.
type Bucket struct {
	Bound float64
	Count uint64
}

// ParseHistograms finds the histograms of a name in an exposition.
func ParseHistograms(exposition, name string) map[Labels]*Histogram {
	found := map[Labels]*Histogram{}
	for line := range strings.Lines(exposition) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		rest, isOurs := strings.CutPrefix(series, name+"_")
		if !ok || !isOurs {
			continue
		}
		kind, text, _ := strings.Cut(rest, "{")
		labels := parseLabels(text)
		number, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
		if err != nil {
			continue
		}
		key := Labels{labels["runtime"], labels["step"]}
		if found[key] == nil {
			found[key] = &Histogram{}
		}
		found[key].set(kind, labels["le"], number)
	}
	for _, histogram := range found {
		slices.SortFunc(histogram.Buckets, func(a, b Bucket) int { return cmp.Compare(a.Bound, b.Bound) })
	}
	return found
}

func (h *Histogram) set(kind, le string, number float64) {
	switch kind {
	case "count":
		h.Count = uint64(number)
	case "sum":
		h.Sum = number
	case "bucket":
		if bound, err := strconv.ParseFloat(le, 64); err == nil {
			h.Buckets = append(h.Buckets, Bucket{bound, uint64(number)})
		}
	}
}

// parseLabels reads `a="x",b="y"`; the values that are of interest have nothing
// to be unescaped.
func parseLabels(text string) map[string]string {
	labels := map[string]string{}
	for text != "" {
		name, rest, ok := strings.Cut(text, `="`)
		if !ok {
			break
		}
		value, after, ok := strings.Cut(rest, `"`)
		if !ok {
			break
		}
		labels[name] = value
		text = strings.TrimPrefix(after, ",")
	}
	return labels
}

// Since is what was added after an earlier look.
func (h *Histogram) Since(before *Histogram) *Histogram {
	if before == nil {
		return h
	}
	added := &Histogram{Count: h.Count - before.Count, Sum: h.Sum - before.Sum}
	earlier := map[float64]uint64{}
	for _, bucket := range before.Buckets {
		earlier[bucket.Bound] = bucket.Count
	}
	for _, bucket := range h.Buckets {
		added.Buckets = append(added.Buckets, Bucket{bucket.Bound, bucket.Count - earlier[bucket.Bound]})
	}
	return added
}

// Mean is 0 when nothing was counted.
func (h *Histogram) Mean() time.Duration {
	if h.Count == 0 {
		return 0
	}
	return seconds(h.Sum / float64(h.Count))
}

// AtMost is the bound of the bucket in which a percentile lies; 0 when it lies
// beyond all finite ones.
func (h *Histogram) AtMost(share float64) time.Duration {
	rank := uint64(math.Ceil(share*float64(h.Count) - 1e-9))
	for _, bucket := range h.Buckets {
		if bucket.Count >= rank && !math.IsInf(bucket.Bound, 1) {
			return seconds(bucket.Bound)
		}
	}
	return 0
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
