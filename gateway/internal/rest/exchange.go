package rest

import (
	"context"
	"time"

	"serverless-orchestrator/gateway/internal/backend"
)

// exchange is what one request and its answer share.
type exchange struct {
	requestID string
	// client is whose rate limit the request counts against.
	client string
	// idempotencyKey names an invocation; empty: it has no name.
	idempotencyKey string
	route          *route
	// body has been read and checked.
	body []byte
	// timeout is the deadline given to the services.
	timeout time.Duration
	attempt *backend.Attempt
}

type exchangeKey struct{}

func withExchange(ctx context.Context, ex *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, ex)
}

func exchangeOf(ctx context.Context) *exchange {
	ex, _ := ctx.Value(exchangeKey{}).(*exchange)
	return ex
}
