package stats

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Operation is what is measured, once.
type Operation func(ctx context.Context) error

// Clock is the time as far as measuring needs it.
type Clock interface {
	Now() time.Time
	// SleepUntil returns at the time, or when ctx is done.
	SleepUntil(ctx context.Context, when time.Time)
}

// Paced starts n operations at fixed times, one pace apart, after warmUp others
// that do not count, and returns how long each took from the time at which it
// was meant to start. An operation that takes longer than the pace so delays
// the next, and the delay counts: that is what a client who comes at that time
// would have waited.
func Paced(ctx context.Context, clock Clock, pace time.Duration, warmUp, n int, operation Operation) ([]time.Duration, error) {
	samples := make([]time.Duration, 0, n)
	first := clock.Now().Add(pace)
	for i := range warmUp + n {
		intended := first.Add(time.Duration(i) * pace)
		clock.SleepUntil(ctx, intended)
		if err := run(ctx, operation); err != nil {
			return samples, err
		}
		if i >= warmUp {
			samples = append(samples, clock.Now().Sub(intended))
		}
	}
	return samples, nil
}

// Sequential runs n operations one after the other, after warmUp others that do
// not count, and returns how long each took.
func Sequential(ctx context.Context, clock Clock, warmUp, n int, operation Operation) ([]time.Duration, error) {
	samples := make([]time.Duration, 0, n)
	for i := range warmUp + n {
		started := clock.Now()
		if err := run(ctx, operation); err != nil {
			return samples, err
		}
		if i >= warmUp {
			samples = append(samples, clock.Now().Sub(started))
		}
	}
	return samples, nil
}

func run(ctx context.Context, operation Operation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return operation(ctx)
}

// Rate is what a number of loops got done together.
type Rate struct {
	Loops int `json:"loops"`
	// Operations that ended while the time was measured.
	Done int `json:"done"`
	// The time measured.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Of one operation, in a loop that starts the next only then: what the loops
	// made each other wait is in it, what others would have waited is not.
	Operation Summary `json:"operation"`
}

// PerSecond is 0 when nothing was done.
func (r Rate) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Done) / r.Elapsed.Seconds()
}

// Looped repeats an operation in several loops at once, first for the time of
// the warm-up, which does not count, then for the time that does. The first
// error ends it.
func Looped(ctx context.Context, clock Clock, loops int, warmUp, length time.Duration, operation Operation) (Rate, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := clock.Now().Add(warmUp)
	end := begin.Add(length)

	var mutex sync.Mutex
	var samples []time.Duration
	var group sync.WaitGroup
	for range loops {
		group.Go(func() {
			for started := clock.Now(); started.Before(end); {
				if err := run(ctx, operation); err != nil {
					cancel(err)
					return
				}
				ended := clock.Now()
				// Counted when it ends within the time, wherever it began: at both
				// edges one operation of each loop is cut, so that neither counts
				// too much.
				if !ended.Before(begin) && ended.Before(end) {
					mutex.Lock()
					samples = append(samples, ended.Sub(started))
					mutex.Unlock()
				}
				started = ended
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return Rate{}, fmt.Errorf("%d loops: %w", loops, err)
	}
	return Rate{Loops: loops, Done: len(samples), Elapsed: length, Operation: Summarize(samples)}, nil
}
