package stats

import (
	"context"
	"time"
)

// spin is how long before its time a sleeper is woken: timers are late by some
// tens of microseconds, which would count as latency of what is measured.
const spin = 300 * time.Microsecond

// RealClock is that of the machine.
type RealClock struct{}

// Now has the monotonic time in it.
func (RealClock) Now() time.Time { return time.Now() }

// SleepUntil is exact to a few microseconds, for which it uses a processor at
// the very end.
func (RealClock) SleepUntil(ctx context.Context, when time.Time) {
	if wait := time.Until(when) - spin; wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	for time.Now().Before(when) {
	}
}
