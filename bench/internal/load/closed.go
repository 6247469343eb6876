package load

import (
	"context"
	"sync"
	"time"

	"serverless-orchestrator/bench/internal/stats"
)

// Window is the time that is measured.
type Window struct{ Begin, End time.Time }

// Contains is whether a time lies in it; the end does not.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.Begin) && t.Before(w.End) }

// Length is how long it is.
func (w Window) Length() time.Duration { return w.End.Sub(w.Begin) }

// Closed lets every caller call again and again from now to the end of the
// window, and returns when the last has its answer. It counts the calls that
// end in the window, wherever they began: at both edges one call of each caller
// is cut, so that neither counts too much.
func Closed(ctx context.Context, clock stats.Clock, callers []Caller, window Window, record func(Sample)) {
	var group sync.WaitGroup
	for _, caller := range callers {
		group.Go(func() {
			for started := clock.Now(); started.Before(window.End) && ctx.Err() == nil; {
				outcome := caller.Call()
				ended := clock.Now()
				if window.Contains(ended) {
					record(Sample{Intended: started, Started: started, Ended: ended, Outcome: outcome})
				}
				started = ended
			}
		})
	}
	group.Wait()
}
