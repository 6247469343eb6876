package scaling

import (
	"time"

	"serverless-orchestrator/bench/internal/load"
)

// shape is a rate that changes, by shares of the time that it lasts.
type shape struct {
	name string
	// level is where the rate is at a time from 0 to 1: 0 the low one, 1 the high
	// one.
	level func(at float64) float64
	// When it has reached the high rate.
	rise float64
	// Times in which it does not change, or falls without pause.
	steady [][2]float64
}

// Where a step comes, and how long a spike lasts.
const (
	stepAt      = 1.0 / 3
	spikeLength = 1.0 / 9
	decayAt     = 1.0 / 9
	teeth       = 3
)

var shapes = []shape{
	{"step", func(at float64) float64 { return onOff(at >= stepAt) }, stepAt, [][2]float64{{0, stepAt}, {stepAt, 1}}},
	{"spike", func(at float64) float64 { return onOff(at >= stepAt && at < stepAt+spikeLength) }, stepAt,
		[][2]float64{{0, stepAt}, {stepAt + spikeLength, 1}}},
	{"sawtooth", func(at float64) float64 { tooth := at * teeth; return tooth - float64(int(tooth)) }, 1.0 / teeth, nil},
	{"decay", func(at float64) float64 {
		if at < decayAt {
			return 0
		}
		return (1 - at) / (1 - decayAt)
	}, decayAt, [][2]float64{{0, decayAt}, {decayAt, 1}}},
}

func onOff(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func shapeNames() []string {
	var names []string
	for _, s := range shapes {
		names = append(names, s.name)
	}
	return names
}

// of makes calls a second of a shape, as load.Varying wants them.
func (s shape) of(low, high float64, length time.Duration) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		return low + (high-low)*s.level(min(1, float64(at)/float64(length)))
	}
}

// settling is how long instances may still move after a change of the rate:
// they are started, and idle ones go.
func settling(idleTimeout time.Duration) time.Duration { return idleTimeout + 5*time.Second }

// windows are the steady times, without their beginnings: counted from the begin
// of the load. Those too short for anything to settle are left out.
func (s shape) windows(length, settle time.Duration) []load.Window {
	var windows []load.Window
	for _, part := range s.steady {
		begin := time.Duration(part[0]*float64(length)) + settle
		end := time.Duration(part[1] * float64(length))
		if begin < end {
			windows = append(windows, load.Window{Begin: time.Time{}.Add(begin), End: time.Time{}.Add(end)})
		}
	}
	return windows
}
