package stats

import "time"

// Series is one thing measured over and over, in rounds that alternate with
// those of other series, so that a machine that gets slower or faster does so
// for all of them.
type Series struct {
	// All rounds together, in the order of measuring, without warm-up.
	Samples []time.Duration `json:"samples_ns"`
	// Where in Samples each round begins.
	Rounds []int `json:"rounds"`
	// Operations done and not counted before the rounds.
	WarmUp int `json:"warm_up"`
	// Of a paced series, the time between two intended starts; 0 when each
	// started as soon as the one before had ended.
	Pace time.Duration `json:"pace_ns"`
}

// Add appends one round.
func (s *Series) Add(samples []time.Duration, warmUp int) {
	s.Rounds = append(s.Rounds, len(s.Samples))
	s.Samples = append(s.Samples, samples...)
	s.WarmUp += warmUp
}

// Summary is that of all rounds together.
func (s *Series) Summary() Summary { return Summarize(s.Samples) }

// Drift is the lowest and the highest median of a round.
func (s *Series) Drift() (lowest, highest time.Duration) {
	for i, begin := range s.Rounds {
		end := len(s.Samples)
		if i+1 < len(s.Rounds) {
			end = s.Rounds[i+1]
		}
		if begin == end {
			continue
		}
		median := Summarize(s.Samples[begin:end]).P50
		if lowest == 0 || median < lowest {
			lowest = median
		}
		highest = max(highest, median)
	}
	return lowest, highest
}
