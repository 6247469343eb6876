package load

import (
	"context"
	"syscall"
	"time"
)

// Clock is that of the machine, for load: it is exact to about a tenth of a
// millisecond, and waits without using a processor, which the server needs.
type Clock struct{}

// Now has the monotonic time in it.
func (Clock) Now() time.Time { return time.Now() }

// The longest sleep that an interrupt waits for.
const longestSleep = 50 * time.Millisecond

// SleepUntil uses the kernel's own timer: those of the Go runtime are late by up
// to a millisecond.
func (Clock) SleepUntil(ctx context.Context, when time.Time) {
	for ctx.Err() == nil {
		wait := time.Until(when)
		if wait <= 0 {
			return
		}
		rest := syscall.NsecToTimespec(int64(min(wait, longestSleep)))
		_ = syscall.Nanosleep(&rest, nil) // A signal ends it early: once more then.
	}
}
