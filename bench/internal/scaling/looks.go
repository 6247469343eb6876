package scaling

import (
	"time"

	"serverless-orchestrator/bench/internal/load"
)

// Look is the instances of a function at one moment.
type Look struct {
	// After the begin of the load.
	At time.Duration `json:"at_ns"`
	// Free or in a call; on their way; and all, those that are ending included.
	Ready   int `json:"ready"`
	Warming int `json:"warming"`
	Total   int `json:"total"`
}

// held is what somebody decides on: ready, or going to be.
func (l Look) held() int { return l.Ready + l.Warming }

// timeToEnough is how long after `rise` as many instances are ready for the first
// time; false when they never are.
func timeToEnough(looks []Look, rise time.Duration, enough float64) (time.Duration, bool) {
	for _, l := range looks {
		if l.At >= rise && float64(l.Ready) >= enough {
			return l.At - rise, true
		}
	}
	return 0, false
}

// short is for how long fewer instances are ready than calls run at once, if each
// is to have one.
func short(looks []Look, offered func(time.Duration) float64) time.Duration {
	var sum time.Duration
	for i := 1; i < len(looks); i++ {
		if float64(looks[i].Ready) < offered(looks[i].At) {
			sum += looks[i].At - looks[i-1].At
		}
	}
	return sum
}

// directionChanges counts how often the number of instances turns from more to
// fewer or back, within windows: each is looked at by itself.
func directionChanges(looks []Look, windows []load.Window) int {
	changes := 0
	for _, window := range windows {
		before, direction := -1, 0
		for _, l := range looks {
			if !window.Contains(time.Time{}.Add(l.At)) {
				continue
			}
			step := l.held() - before
			if before >= 0 && step != 0 {
				if direction != 0 && (step > 0) != (direction > 0) {
					changes++
				}
				direction = step
			}
			before = l.held()
		}
	}
	return changes
}

// extent is the least, the mean over time, and the most instances.
func extent(looks []Look) (least int, mean float64, most int) {
	if len(looks) == 0 {
		return 0, 0, 0
	}
	least, most = looks[0].Total, looks[0].Total
	for _, l := range looks {
		least, most = min(least, l.Total), max(most, l.Total)
	}
	length := looks[len(looks)-1].At - looks[0].At
	if length <= 0 {
		return least, float64(looks[0].Total), most
	}
	return least, instanceSeconds(looks) / length.Seconds(), most
}

// instanceSeconds is the time that instances were there, added up.
func instanceSeconds(looks []Look) float64 {
	sum := 0.0
	for i := 1; i < len(looks); i++ {
		sum += float64(looks[i-1].Total) * (looks[i].At - looks[i-1].At).Seconds()
	}
	return sum
}
