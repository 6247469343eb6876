package rest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

// typed is a gRPC error as the services make it.
func typed(t *testing.T, code codes.Code, detail *errorv1.Error) error {
	t.Helper()
	st, err := status.New(code, detail.GetMessage()).WithDetails(detail)
	if err != nil {
		t.Fatal(err)
	}
	return st.Err()
}

func TestEveryErrorCodeHasItsHTTPStatus(t *testing.T) {
	for _, test := range []struct {
		grpc   codes.Code
		status int
		codes  string
	}{
		{codes.InvalidArgument, 400, "INVALID_ARGUMENT BUILD_FAILED"},
		{codes.Unauthenticated, 401, "UNAUTHENTICATED"},
		{codes.PermissionDenied, 403, "PERMISSION_DENIED"},
		{codes.NotFound, 404, "NOT_FOUND"},
		{codes.Unimplemented, 405, "METHOD_NOT_ALLOWED"},
		{codes.AlreadyExists, 409, "ALREADY_EXISTS TRIGGER_CONFLICT"},
		{codes.Aborted, 412, "ETAG_MISMATCH"},
		{codes.ResourceExhausted, 413, "PAYLOAD_TOO_LARGE"},
		{codes.InvalidArgument, 415, "UNSUPPORTED_MEDIA_TYPE"},
		{codes.ResourceExhausted, 429, "QUEUE_FULL RATE_LIMITED CONCURRENCY_LIMIT"},
		{codes.Internal, 500, "INTERNAL"},
		{codes.FailedPrecondition, 502, "FUNCTION_ERROR FUNCTION_CRASHED FUNCTION_OOM FUNCTION_INIT_FAILED " +
			"FUNCTION_RESULT_INVALID FUNCTION_PROTOCOL_ERROR INSTANCE_LOST"},
		{codes.Unavailable, 503, "NO_CAPACITY UNAVAILABLE FUNCTION_UNAVAILABLE"},
		{codes.DeadlineExceeded, 504, "FUNCTION_TIMEOUT QUEUE_TIMEOUT"},
		{codes.ResourceExhausted, 507, "STORAGE_FULL"},
		{codes.NotFound, 404, "A_CODE_OF_TOMORROW"},
	} {
		for _, code := range strings.Fields(test.codes) {
			t.Run(code, func(t *testing.T) {
				a := newAPI(t)
				detail := &errorv1.Error{
					Code: code, Message: "why", Retryable: true, Executed: "no", RetryAfter: 2.2,
					Details: []*errorv1.FieldProblem{{Field: "timeout", Problem: "is too long"}},
				}
				a.cluster.Fail(invoke, typed(t, test.grpc, detail))
				answer := a.send("POST", "/functions/hello/invoke", `{}`)
				body := failed(t, answer, test.status, code)
				got := body.Error
				if got.Message != "why" || !got.Retryable || got.Executed != "no" || len(got.Details) != 1 ||
					got.Details[0] != (fieldProblem{"timeout", "is too long"}) {
					t.Errorf("error = %+v", got)
				}
				wantRetry := ""
				if test.status == 429 || test.status == 503 {
					wantRetry = "3"
				}
				if got := answer.Header().Get("Retry-After"); got != wantRetry {
					t.Errorf("Retry-After = %q, want %q", got, wantRetry)
				}

				// The same as the outcome of user code.
				a.cluster.Answer(invoke, &routerv1.InvokeResponse{Error: detail, Logs: []string{"l"}})
				if code == "A_CODE_OF_TOMORROW" {
					return // its status is not known without the gRPC code
				}
				if body := failed(t, a.send("POST", "/functions/hello/invoke", `{}`), test.status, code); len(body.Logs) != 1 {
					t.Errorf("logs = %v", body.Logs)
				}
			})
		}
	}
}

func TestRetryAfterIsWholeSeconds(t *testing.T) {
	for seconds, want := range map[float64]int{0: 1, 0.2: 1, 1: 1, 1.01: 2, 30: 30, 1e9: 3600, -5: 1} {
		if got := retrySeconds(seconds); got != want {
			t.Errorf("retrySeconds(%v) = %d, want %d", seconds, got, want)
		}
	}
}

func TestUntypedErrorsKeepInternalTextInside(t *testing.T) {
	const internal = `connection error: desc = "transport: SQL /var/lib"`
	for _, test := range []struct {
		grpc    codes.Code
		message string
		status  int
		code    string
		want    string
	}{
		{codes.Unavailable, internal, 503, "UNAVAILABLE", "the router cannot be reached"},
		{codes.Internal, internal, 500, "INTERNAL", "internal error in the router"},
		{codes.Unknown, internal, 500, "INTERNAL", "internal error in the router"},
		{codes.Unimplemented, internal, 500, "INTERNAL", "internal error in the router"},
		{codes.DataLoss, internal, 500, "INTERNAL", "internal error in the router"},
		{codes.DeadlineExceeded, internal, 504, "GATEWAY_TIMEOUT", "the gateway waited 20s for the router"},
		{codes.ResourceExhausted, internal, 429, "RATE_LIMITED", "the router is overloaded"},
		{codes.ResourceExhausted, "received message larger than max", 413, "PAYLOAD_TOO_LARGE", "too large"},
		{codes.NotFound, "no function hello", 404, "NOT_FOUND", "no function hello"},
		{codes.InvalidArgument, "bad", 400, "INVALID_ARGUMENT", "bad"},
		{codes.OutOfRange, "bad", 400, "INVALID_ARGUMENT", "bad"},
		{codes.FailedPrecondition, "bad", 400, "INVALID_ARGUMENT", "bad"},
		{codes.AlreadyExists, "taken", 409, "ALREADY_EXISTS", "taken"},
		{codes.Aborted, "changed", 412, "ETAG_MISMATCH", "changed"},
		{codes.Unauthenticated, "who", 401, "UNAUTHENTICATED", "who"},
		{codes.PermissionDenied, "no", 403, "PERMISSION_DENIED", "no"},
		{codes.Canceled, internal, 503, "UNAVAILABLE", "the router cannot be reached"},
	} {
		t.Run(test.grpc.String(), func(t *testing.T) {
			a := newAPI(t)
			a.cluster.Fail(invoke, status.Error(test.grpc, test.message))
			answer := a.send("POST", "/functions/hello/invoke", `{}`)
			body := failed(t, answer, test.status, test.code)
			if !strings.Contains(body.Error.Message, test.want) || strings.Contains(answer.Body.String(), "transport") {
				t.Errorf("message = %q", body.Error.Message)
			}
			if body.Error.Executed != "maybe" {
				t.Errorf("executed = %q: the call was sent", body.Error.Executed)
			}
		})
	}
}

func TestUnreachableServicesAreNamed(t *testing.T) {
	a := newAPI(t)
	for _, fake := range a.cluster.Services {
		fake.Stop()
	}
	for _, test := range []struct{ method, path, service, executed string }{
		{"POST", "/functions", "registry", ""},
		{"DELETE", "/functions/hello", "registry", ""},
		{"POST", "/functions/hello/warm", "pool", ""},
		{"POST", "/functions/hello/invoke", "router", "no"},
		{"GET", "/metrics", "pool", ""},
	} {
		answer := a.send(test.method, test.path, "")
		body := failed(t, answer, 503, codeUnavailable)
		if want := "the " + test.service + " cannot be reached"; body.Error.Message != want {
			t.Errorf("%s %s: %q, want %q", test.method, test.path, body.Error.Message, want)
		}
		if body.Error.Executed != test.executed || !body.Error.Retryable || answer.Header().Get("Retry-After") != "1" {
			t.Errorf("%s %s: %+v", test.method, test.path, body.Error)
		}
	}
}

func TestDeadlineOfTheGateway(t *testing.T) {
	a := newAPI(t)
	a.options.InvokeTimeout = time.Millisecond
	a.cluster.On(invoke, func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	body := failed(t, a.send("POST", "/functions/hello/invoke", `{}`), 504, codeGatewayTimeout)
	if body.Error.Message != "the gateway waited 1ms for the router" {
		t.Errorf("message = %q", body.Error.Message)
	}
}

func TestBuildsGetTimeAndTheirLogIsShown(t *testing.T) {
	a := newAPI(t)
	refusal := typed(t, codes.InvalidArgument, &errorv1.Error{
		Code: "BUILD_FAILED", Message: "main.go:3:5: undefined: x",
		Details: []*errorv1.FieldProblem{{Field: "code", Problem: "main.go:3:5: undefined: x"}},
		Logs:    []string{"# handler", "main.go:3:5: undefined: x"},
	})
	for _, test := range []struct{ method, path, call string }{
		{"POST", "/functions", createFunction},
		{"PUT", "/functions/hello", replaceFunction},
		{"PATCH", "/functions/hello", updateFunction},
		{"POST", "/functions/hello/rollback", rollbackFunction},
	} {
		var left time.Duration
		a.cluster.On(test.call, func(ctx context.Context, _ proto.Message) (proto.Message, error) {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return nil, refusal
		})
		body := failed(t, a.send(test.method, test.path, `{}`, jsonHeader()...), 400, "BUILD_FAILED")
		if len(body.Logs) != 2 || body.Logs[0] != "# handler" || len(body.Error.Details) != 1 {
			t.Errorf("%s %s: %+v", test.method, test.path, body)
		}
		if left < 2*time.Minute {
			t.Errorf("%s %s has %v for a build", test.method, test.path, left)
		}
	}
}

func TestClientThatLeavesGetsNothing(t *testing.T) {
	a := newAPI(t)
	ctx, leave := context.WithCancel(t.Context())
	a.cluster.On(invoke, func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		leave()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	recorder := httptest.NewRecorder()
	a.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, "POST", "/functions/hello/invoke", strings.NewReader("{}")))
	if recorder.Body.Len() != 0 {
		t.Errorf("body = %s", recorder.Body)
	}
	if !strings.Contains(a.logged.String(), "status=499") {
		t.Errorf("log = %s", a.logged)
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	a := newAPI(t)
	err := a.mux.HandlePath("GET", "/health/live", func(http.ResponseWriter, *http.Request, map[string]string) {
		panic(errors.New("a secret path"))
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := a.send("GET", "/health/live", "")
	failed(t, answer, 500, codeInternal)
	if strings.Contains(answer.Body.String(), "secret") {
		t.Errorf("body = %s", answer.Body)
	}
	if !strings.Contains(a.logged.String(), "a secret path") || !strings.Contains(a.logged.String(), "failure_test.go") {
		t.Error("the log does not say where")
	}
}

// slowBody sends nothing until its deadline, as a connection does.
type slowBody struct{ expired chan struct{} }

func (b slowBody) Read([]byte) (int, error) {
	<-b.expired
	return 0, &timeoutError{}
}

func (slowBody) Close() error { return nil }

type timeoutError struct{}

func (*timeoutError) Error() string        { return "i/o timeout" }
func (*timeoutError) Is(target error) bool { return target.Error() == "i/o timeout" }

// deadlineRecorder has the read deadline that a connection has.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	expired chan struct{}
}

func (r deadlineRecorder) SetReadDeadline(deadline time.Time) error {
	if !deadline.IsZero() {
		time.AfterFunc(time.Until(deadline), func() { close(r.expired) })
	}
	return nil
}

func TestSlowBodiesAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := deadlineRecorder{httptest.NewRecorder(), make(chan struct{})}
		request := httptest.NewRequest("POST", "/functions", slowBody{recorder.expired})
		request.ContentLength = 1 << 20
		start := time.Now()
		_, f := readBody(recorder, request, &route{bodyLimit: functionLimit})
		if f == nil || f.status != http.StatusRequestTimeout {
			t.Errorf("failure = %v", f)
		}
		if waited := time.Since(start); waited != 38*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}
