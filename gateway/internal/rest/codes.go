package rest

import (
	"net/http"

	"google.golang.org/grpc/codes"
)

// The error codes that the gateway itself gives.
const (
	codeInvalidArgument      = "INVALID_ARGUMENT"
	codeNotFound             = "NOT_FOUND"
	codeMethodNotAllowed     = "METHOD_NOT_ALLOWED"
	codeUnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
	codePayloadTooLarge      = "PAYLOAD_TOO_LARGE"
	codeRequestTimeout       = "REQUEST_TIMEOUT"
	codeUnavailable          = "UNAVAILABLE"
	codeGatewayTimeout       = "GATEWAY_TIMEOUT"
	codeInternal             = "INTERNAL"
)

// httpStatuses is the HTTP status of every error code of the API.
var httpStatuses = map[string]int{
	codeInvalidArgument:       http.StatusBadRequest,
	"BUILD_FAILED":            http.StatusBadRequest,
	"UNAUTHENTICATED":         http.StatusUnauthorized,
	"PERMISSION_DENIED":       http.StatusForbidden,
	codeNotFound:              http.StatusNotFound,
	codeMethodNotAllowed:      http.StatusMethodNotAllowed,
	codeRequestTimeout:        http.StatusRequestTimeout,
	"ALREADY_EXISTS":          http.StatusConflict,
	"TRIGGER_CONFLICT":        http.StatusConflict,
	"ETAG_MISMATCH":           http.StatusPreconditionFailed,
	codePayloadTooLarge:       http.StatusRequestEntityTooLarge,
	codeUnsupportedMediaType:  http.StatusUnsupportedMediaType,
	"IDEMPOTENCY_MISMATCH":    http.StatusUnprocessableEntity,
	"QUEUE_FULL":              http.StatusTooManyRequests,
	"RATE_LIMITED":            http.StatusTooManyRequests,
	"CONCURRENCY_LIMIT":       http.StatusTooManyRequests,
	"CANCELLED":               statusClientClosed,
	codeInternal:              http.StatusInternalServerError,
	"FUNCTION_ERROR":          http.StatusBadGateway,
	"FUNCTION_CRASHED":        http.StatusBadGateway,
	"FUNCTION_OOM":            http.StatusBadGateway,
	"FUNCTION_INIT_FAILED":    http.StatusBadGateway,
	"FUNCTION_RESULT_INVALID": http.StatusBadGateway,
	"FUNCTION_PROTOCOL_ERROR": http.StatusBadGateway,
	"INSTANCE_LOST":           http.StatusBadGateway,
	"NO_CAPACITY":             http.StatusServiceUnavailable,
	codeUnavailable:           http.StatusServiceUnavailable,
	"FUNCTION_UNAVAILABLE":    http.StatusServiceUnavailable,
	"FUNCTION_TIMEOUT":        http.StatusGatewayTimeout,
	"QUEUE_TIMEOUT":           http.StatusGatewayTimeout,
	codeGatewayTimeout:        http.StatusGatewayTimeout,
	"STORAGE_FULL":            http.StatusInsufficientStorage,
}

// codeOfStatus is the error code of a gRPC status that carries none of its own.
func codeOfStatus(code codes.Code) string {
	switch code {
	case codes.InvalidArgument, codes.OutOfRange, codes.FailedPrecondition:
		return codeInvalidArgument
	case codes.Unauthenticated:
		return "UNAUTHENTICATED"
	case codes.PermissionDenied:
		return "PERMISSION_DENIED"
	case codes.NotFound:
		return codeNotFound
	case codes.AlreadyExists:
		return "ALREADY_EXISTS"
	case codes.Aborted:
		return "ETAG_MISMATCH"
	case codes.ResourceExhausted:
		return "RATE_LIMITED"
	case codes.Unavailable, codes.Canceled:
		return codeUnavailable
	case codes.DeadlineExceeded:
		return codeGatewayTimeout
	default:
		return codeInternal
	}
}

// statusOf is the HTTP status of an error code; of a code this gateway does not
// know, the status that comes closest to the gRPC code beside it.
func statusOf(code string, fallback codes.Code) int {
	if status, known := httpStatuses[code]; known {
		return status
	}
	return httpStatuses[codeOfStatus(fallback)]
}
