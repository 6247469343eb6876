package rest

import (
	"net/http"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
)

const (
	idempotencyKeyHeader      = "Idempotency-Key"
	idempotencyReplayedHeader = "Idempotency-Replayed"
	// maxIdempotencyKey is in bytes.
	maxIdempotencyKey = 255
)

// idempotencyKey is the name that the client gave its call, so that it can send
// it again; empty when it gave none.
func idempotencyKey(header http.Header) (string, *failure) {
	values := header.Values(idempotencyKeyHeader)
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) == 1 && values[0] != "" && len(values[0]) <= maxIdempotencyKey && isPrintableASCII(values[0]):
		return values[0], nil
	default:
		f := wrongFields([]*errorv1.FieldProblem{{
			Field: idempotencyKeyHeader, Problem: "must be 1 to 255 printable ASCII characters, once",
		}})
		f.Executed = "no"
		return "", f
	}
}
