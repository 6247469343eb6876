// Package manualclock is a clock for tests.
package manualclock

import (
	"context"
	"sync"
	"time"
)

// Clock moves only when it is slept on or told to.
type Clock struct {
	mutex sync.Mutex
	now   time.Time
}

// New is a clock at some time.
func New() *Clock { return &Clock{now: time.Unix(1000, 0)} }

// Now is where it was moved to.
func (c *Clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// SleepUntil moves it there and returns at once.
func (c *Clock) SleepUntil(_ context.Context, when time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.now.Before(when) {
		c.now = when
	}
}

// Advance moves it on.
func (c *Clock) Advance(d time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(d)
}
