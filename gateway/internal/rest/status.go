package rest

import (
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
)

// failureOf is what a client sees of a gRPC error: the typed error of the
// service when there is one. Text that gRPC made up itself never reaches a
// client, only our log.
func failureOf(err error, service string, ex *exchange) *failure {
	st := status.Convert(err)
	for _, detail := range st.Details() {
		if typed, ok := detail.(*errorv1.Error); ok && typed.GetCode() != "" {
			return &failure{typedError: typed, status: statusOf(typed.GetCode(), st.Code()), logs: typed.GetLogs(), cause: err}
		}
	}
	f := untypedFailure(st, service, ex.timeout)
	f.cause = err
	if ex.route.runsCode {
		f.Executed = executedBy(ex)
	}
	return f
}

func untypedFailure(st *status.Status, service string, timeout time.Duration) *failure {
	code := codeOfStatus(st.Code())
	switch st.Code() {
	case codes.Unavailable, codes.Canceled:
		f := newFailure(codeUnavailable, "the %s cannot be reached", service)
		f.Retryable = true
		return f
	case codes.DeadlineExceeded:
		f := newFailure(codeGatewayTimeout, "the gateway waited %v for the %s", timeout, service)
		f.Retryable = true
		return f
	case codes.ResourceExhausted:
		// gRPC has no code of its own for messages above its limit.
		if strings.Contains(st.Message(), "larger than max") {
			return newFailure(codePayloadTooLarge, "the request to the %s or its answer is too large", service)
		}
		f := newFailure(code, "the %s is overloaded", service)
		f.Retryable = true
		return f
	}
	if code == codeInternal {
		return newFailure(code, "internal error in the %s", service)
	}
	return newFailure(code, "%s", st.Message())
}

func executedBy(ex *exchange) string {
	if ex.attempt.Sent() {
		return "maybe"
	}
	return "no"
}
