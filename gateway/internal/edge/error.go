package edge

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

// publicError keeps a service's own status, details included. When there is no
// service to answer, it says so in the same form and without what gRPC tells
// about connections: addresses and transports are not for clients.
func publicError(err error, service, method string, attempt *backend.Attempt) error {
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || len(st.Details()) > 0 {
		return st.Err()
	}
	detail := &errorv1.Error{
		Code:       "UNAVAILABLE",
		Message:    "the " + service + " cannot be reached",
		Retryable:  true,
		RetryAfter: 1,
	}
	if method == routerv1.RouterService_Invoke_FullMethodName {
		detail.Executed = "no"
		if attempt.Sent() {
			detail.Executed = "maybe"
		}
	}
	public, err := status.New(codes.Unavailable, detail.GetMessage()).WithDetails(detail)
	if err != nil {
		return status.Error(codes.Unavailable, detail.GetMessage())
	}
	return public.Err()
}
