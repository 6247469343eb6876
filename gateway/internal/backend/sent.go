package backend

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// Attempt knows whether a call left the gateway. A call that was never sent has
// certainly not run anything, which an error may then promise to the client.
type Attempt struct {
	sent atomic.Bool
}

// Sent reports whether the headers of any call were written to a connection.
func (a *Attempt) Sent() bool { return a.sent.Load() }

type attemptKey struct{}

// WithAttempt returns a context whose calls are watched by the Attempt.
func WithAttempt(ctx context.Context) (context.Context, *Attempt) {
	attempt := &Attempt{}
	return context.WithValue(ctx, attemptKey{}, attempt), attempt
}

// sentHandler tells the Attempt of a call's context.
type sentHandler struct{}

func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (sentHandler) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.OutHeader); !ok {
		return
	}
	markSent(ctx)
}

// markSent tells the Attempt that waits for it, if any.
func markSent(ctx context.Context) {
	if attempt, ok := ctx.Value(attemptKey{}).(*Attempt); ok {
		attempt.sent.Store(true)
	}
}

func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (sentHandler) HandleConn(context.Context, stats.ConnStats) {}
