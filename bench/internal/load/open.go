package load

import (
	"context"
	"sync"
	"time"

	"serverless-orchestrator/bench/internal/stats"
)

// Open calls at the times of a schedule, counted from `begin`, for `length`; any
// free caller takes the next call. When none is free the call is sent late, and
// its latency is that from the time it was meant to be sent. Calls that could
// not be sent until `grace` after the end are Unsent. Returns when every call
// has its answer.
func Open(ctx context.Context, clock stats.Clock, schedule Schedule, begin time.Time, length, grace time.Duration, callers []Caller, record func(Sample)) {
	calls := &calls{clock: clock, schedule: schedule, begin: begin, length: length}
	giveUp := begin.Add(length + grace)
	var group sync.WaitGroup
	for _, caller := range callers {
		group.Go(func() {
			for {
				intended, more := calls.next(ctx)
				if !more {
					return
				}
				sample := Sample{Intended: intended, Started: clock.Now(), Outcome: Unsent}
				if sample.Started.Before(giveUp) {
					sample.Outcome = caller.Call()
				}
				sample.Ended = clock.Now()
				record(sample)
			}
		})
	}
	group.Wait()
}

// calls hands out the calls of a schedule.
type calls struct {
	clock    stats.Clock
	begin    time.Time
	length   time.Duration
	mutex    sync.Mutex
	schedule Schedule
}

// next waits until the next call is due. One caller sleeps, those behind him
// wait for the lock: so there is one timer, however many callers there are.
func (c *calls) next(ctx context.Context) (time.Time, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	after := c.schedule.Next()
	if after >= c.length || ctx.Err() != nil {
		return time.Time{}, false
	}
	intended := c.begin.Add(after)
	c.clock.SleepUntil(ctx, intended)
	return intended, ctx.Err() == nil
}
