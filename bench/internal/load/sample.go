package load

import "time"

// The outcomes that are not the name of an error.
const (
	// The answer was right.
	OK = "ok"
	// The answer was right, and waited for an instance to start.
	Cold = "cold"
	// The answer was not what this call must get.
	Wrong = "WRONG ANSWER"
	// No answer within the time a client waits.
	Timeout = "timeout"
	// No connection, or one that broke.
	Disconnected = "disconnected"
	// An open loop came to its end before the call could be sent.
	Unsent = "not sent"
)

// Good is whether an outcome is a right answer.
func Good(outcome string) bool { return outcome == OK || outcome == Cold }

// Sample is one call.
type Sample struct {
	// When it was meant to be sent, when it was, and when its answer had been
	// read. In a closed loop the first two are the same.
	Intended, Started, Ended time.Time
	Outcome                  string
}

// Latency is what whoever wanted to call at the intended time has waited.
func (s Sample) Latency() time.Duration { return s.Ended.Sub(s.Intended) }

// Caller is one client: it sends a call and waits for the answer, one at a time.
type Caller interface {
	// Call returns the outcome.
	Call() string
	Close()
}

// CloseAll closes all of some.
func CloseAll(callers []Caller) {
	for _, caller := range callers {
		caller.Close()
	}
}
