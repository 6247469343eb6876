package rest

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

func TestIdempotencyKeyReachesTheRouter(t *testing.T) {
	a := newAPI(t)
	for _, key := range []string{"a", "order 17 ~!", strings.Repeat("x", 255)} {
		answer := a.send("POST", "/functions/hello/invoke", `{}`, "Idempotency-Key", key)
		if answer.Code != 200 || answer.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("%q: answer = %d %v", key, answer.Code, answer.Header())
		}
		request, ok := a.cluster.LastCall(t).Request.(*routerv1.InvokeRequest)
		if !ok || request.GetIdempotencyKey() != key {
			t.Errorf("%q: request = %v", key, request)
		}
	}
	a.send("POST", "/functions/hello/invoke", `{}`)
	if request, ok := a.cluster.LastCall(t).Request.(*routerv1.InvokeRequest); !ok || request.GetIdempotencyKey() != "" {
		t.Errorf("without a key: request = %v", request)
	}
}

func TestBadIdempotencyKeysAreRefused(t *testing.T) {
	a := newAPI(t)
	for name, header := range map[string][]string{
		"empty":       {"Idempotency-Key", ""},
		"long":        {"Idempotency-Key", strings.Repeat("x", 256)},
		"not ASCII":   {"Idempotency-Key", "ü"},
		"a control":   {"Idempotency-Key", "a\tb"},
		"more than 1": {"Idempotency-Key", "a", "Idempotency-Key", "a"},
	} {
		body := failed(t, a.send("POST", "/functions/hello/invoke", `{}`, header...), 400, codeInvalidArgument)
		if len(body.Error.Details) != 1 || body.Error.Details[0].Field != "Idempotency-Key" || body.Error.Executed != "no" {
			t.Errorf("%s: error = %+v", name, body.Error)
		}
	}
	if calls := a.cluster.Calls(); len(calls) > 0 {
		t.Errorf("calls = %v", calls)
	}
	// Of what is not run there is nothing to repeat.
	if answer := a.send("GET", "/functions/hello", "", "Idempotency-Key", "ü"); answer.Code != 200 {
		t.Errorf("GET = %d", answer.Code)
	}
}

func TestReplaysAreTheAnswerOfTheFirstCall(t *testing.T) {
	a := newAPI(t)
	receipt := receiptFor(false, 1)
	send := func(id string) (string, string, string) {
		answer := a.send("POST", "/functions/hello/invoke", `{}`, "Idempotency-Key", "key", requestIDHeader, id)
		return answer.Body.String(), answer.Header().Get(requestIDHeader), answer.Header().Get("Idempotency-Replayed")
	}
	a.cluster.Answer(invoke, receipt)
	first, _, _ := send("one")
	receipt.Replayed = true
	second, id, replayed := send("two")
	if first != second || id != "two" || replayed != "true" {
		t.Errorf("replay = %s (%s, %s), want %s", second, id, replayed, first)
	}

	a.cluster.Answer(invoke, &routerv1.InvokeResponse{
		RequestId: "one", Replayed: true,
		Error: &errorv1.Error{Code: "FUNCTION_ERROR", Message: "thrown", Executed: "yes"},
	})
	text, id, replayed := send("two")
	var body errorBody
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	if body.RequestID != "one" || id != "two" || replayed != "true" {
		t.Errorf("replayed failure = %s (%s, %s)", text, id, replayed)
	}
}

func TestIdempotencyMismatchIsUnprocessable(t *testing.T) {
	a := newAPI(t)
	st, err := status.New(codes.InvalidArgument, "no").WithDetails(&errorv1.Error{
		Code: "IDEMPOTENCY_MISMATCH", Message: "another event", Executed: "no",
	})
	if err != nil {
		t.Fatal(err)
	}
	a.cluster.Fail(invoke, st.Err())
	body := failed(t, a.send("POST", "/functions/hello/invoke", `{}`, "Idempotency-Key", "key"), 422, "IDEMPOTENCY_MISMATCH")
	if body.Error.Executed != "no" || body.Error.Retryable {
		t.Errorf("error = %+v", body.Error)
	}
}
