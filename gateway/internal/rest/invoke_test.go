package rest

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

func receiptFor(cold bool, milliseconds float64) *routerv1.InvokeResponse {
	receipt := &routerv1.InvokeResponse{
		RequestId: newRequestID(time.Now()), StatusCode: 200, Body: []byte(`{"message":"Hello"}`),
		Headers: map[string]string{"x-b": "2", "x-a": "1"},
		Logs:    []string{"[START] Request", "hello", "[END] Request"}, Duration: milliseconds, MemoryUsed: 12,
		CpuTime:    milliseconds / 2,
		FunctionId: "fn-1", FunctionName: "hello", Version: 1, InstanceId: "inst-42",
		Phases: &routerv1.Phases{Queue: milliseconds / 3, Handler: milliseconds / 2},
	}
	if cold {
		receipt.ColdStart = true
		receipt.Phases.Start, receipt.Phases.Init = milliseconds/7, milliseconds/9
	}
	return receipt
}

func TestReceiptHasTheDocumentedFieldsInOrder(t *testing.T) {
	receipt := receiptFor(true, 1.8)
	receipt.RequestId = "req-1234567890-abc123"
	want := `{"requestId":"req-1234567890-abc123","statusCode":200,"body":{"message":"Hello"},` +
		`"headers":{"x-a":"1","x-b":"2"},"logs":["[START] Request","hello","[END] Request"],` +
		`"duration":1.800,"memoryUsed":12.000,"cpuTime":0.900,"coldStart":true,` +
		`"functionId":"fn-1","version":1,"instanceId":"inst-42",` +
		`"phases":{"queue":0.600,"start":0.257,"init":0.200,"handler":0.900},"logsTruncated":false}`
	if got := compact(t, appendReceipt(nil, receipt)); got != want {
		t.Errorf("receipt =\n%s\nwant\n%s", got, want)
	}
}

func TestReceiptsOfTheSameResultHaveTheSameLength(t *testing.T) {
	a := newAPI(t)
	lengths := map[int]bool{}
	for _, cold := range []bool{true, false} {
		for _, milliseconds := range []float64{0, 0.0004, 0.9996, 1.8, 99.9999, 12345.678, 900000} {
			receipt := receiptFor(cold, milliseconds)
			receipt.LogsTruncated = cold
			a.cluster.Answer(invoke, receipt)
			answer := a.send("POST", "/functions/hello/invoke", `{}`)
			if answer.Code != 200 || !json.Valid(answer.Body.Bytes()) {
				t.Fatalf("answer = %d %s", answer.Code, answer.Body)
			}
			lengths[answer.Body.Len()] = true
		}
	}
	if len(lengths) != 1 {
		t.Errorf("lengths = %v", lengths)
	}
}

func TestReceiptIsJSONWhateverTheFunctionPrints(t *testing.T) {
	receipt := &routerv1.InvokeResponse{
		Logs:     []string{"quote \" backslash \\ tab \t bell \a delete \x7f", "broken \xff utf-8", "ü € 😀 \u2028 <&>"},
		Headers:  map[string]string{"a\"b": "\n"},
		Duration: math.NaN(), MemoryUsed: math.Inf(1),
	}
	var got struct {
		Logs     []string
		Headers  map[string]string
		Duration float64
	}
	if err := json.Unmarshal(appendReceipt(nil, receipt), &got); err != nil {
		t.Fatal(err)
	}
	for i, line := range receipt.GetLogs() {
		if want := strings.ToValidUTF8(line, "\uFFFD"); got.Logs[i] != want {
			t.Errorf("logs[%d] = %q, want %q", i, got.Logs[i], want)
		}
	}
	if got.Headers["a\"b"] != "\n" || got.Duration != 0 {
		t.Errorf("got = %+v", got)
	}
}

func TestFailedInvocationsCarryTheirLogs(t *testing.T) {
	a := newAPI(t)
	a.cluster.Answer(invoke, &routerv1.InvokeResponse{
		Logs: []string{"before"},
		Error: &errorv1.Error{
			Code: "FUNCTION_ERROR", Message: "x is not defined", Executed: "yes",
			Fault: &errorv1.FunctionFault{Type: "ReferenceError", Message: "x is not defined", Stack: []string{"index.js:1"}},
		},
	})
	answer := a.send("POST", "/functions/hello/invoke", `{}`, requestIDHeader, "mine")
	failed(t, answer, 502, "FUNCTION_ERROR")
	want := `{"error":{"code":"FUNCTION_ERROR","message":"x is not defined","retryable":false,"executed":"yes",` +
		`"type":"ReferenceError","stack":["index.js:1"]},"requestId":"mine","logs":["before"]}`
	if got := answer.Body.String(); got != want {
		t.Errorf("body = %s", got)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "\"\\\n\x00\x7f", "\xff\xfe", "ü\xc3", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got string
		if err := json.Unmarshal(appendString(nil, text), &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var same string
		if err := json.Unmarshal(want, &same); err != nil || got != same {
			t.Errorf("%q became %q, encoding/json says %q", text, got, same)
		}
	})
}

func BenchmarkAppendReceipt(b *testing.B) {
	receipt := receiptFor(true, 1.8)
	var buffer []byte
	for b.Loop() {
		buffer = appendReceipt(buffer[:0], receipt)
	}
}

func TestInvokeSaysWhoCalls(t *testing.T) {
	a := newAPI(t)
	for name, test := range map[string]struct{ configured, want string }{
		"address": {"", "ip:192.0.2.1"},
		"header":  {"X-Client-Id", "id:alice"},
	} {
		a.options.ClientHeader = test.configured
		a.send("POST", "/functions/hello/invoke", `{}`, "X-Client-Id", "alice", "X-So-Client", "id:bob")
		if got := a.cluster.LastCall(t).Metadata.Get("x-so-client"); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s: client = %v", name, got)
		}
	}
}

func TestRefusalsCarryRetryAfter(t *testing.T) {
	a := newAPI(t)
	for _, code := range []string{"RATE_LIMITED", "CONCURRENCY_LIMIT", "QUEUE_FULL"} {
		st, err := status.New(codes.ResourceExhausted, "no").WithDetails(&errorv1.Error{
			Code: code, Message: "no", Retryable: true, Executed: "no", RetryAfter: 7,
		})
		if err != nil {
			t.Fatal(err)
		}
		a.cluster.Fail(invoke, st.Err())
		answer := a.send("POST", "/functions/hello/invoke", `{}`)
		failed(t, answer, 429, code)
		if got := answer.Header().Get("Retry-After"); got != "7" {
			t.Errorf("%s: Retry-After = %q", code, got)
		}
	}
}
