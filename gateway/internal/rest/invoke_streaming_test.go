package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

const invokeStreaming = "/serverless.router.v1.RouterService/InvokeStreaming"

func headPart(statusCode int32, headers map[string]string) *routerv1.InvokeStreamingResponse {
	return &routerv1.InvokeStreamingResponse{Part: &routerv1.InvokeStreamingResponse_Head{
		Head: &routerv1.ResponseHead{StatusCode: statusCode, Headers: headers},
	}}
}

func dataPart(data string) *routerv1.InvokeStreamingResponse {
	return &routerv1.InvokeStreamingResponse{Part: &routerv1.InvokeStreamingResponse_Data{Data: []byte(data)}}
}

func receiptPart(receipt *routerv1.InvokeResponse) *routerv1.InvokeStreamingResponse {
	return &routerv1.InvokeStreamingResponse{Part: &routerv1.InvokeStreamingResponse_Receipt{Receipt: receipt}}
}

// answerParts makes InvokeStreaming send these, and then end with err.
func (a *api) answerParts(err error, parts ...*routerv1.InvokeStreamingResponse) {
	a.cluster.OnStream(invokeStreaming, func(_ context.Context, _ proto.Message, send func(proto.Message) error) error {
		for _, part := range parts {
			if err := send(part); err != nil {
				return err
			}
		}
		return err
	})
}

// serve makes the API a real server, whose connections can be cut.
func (a *api) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server.URL
}

func post(t *testing.T, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func TestStreamsAnAnswerWhileItIsWritten(t *testing.T) {
	a := newAPI(t)
	goOn := make(chan struct{})
	a.cluster.OnStream(invokeStreaming, func(_ context.Context, _ proto.Message, send func(proto.Message) error) error {
		for _, part := range []*routerv1.InvokeStreamingResponse{headPart(206, nil), dataPart("one\n")} {
			if err := send(part); err != nil {
				return err
			}
		}
		<-goOn
		if err := send(dataPart("\xff\x00")); err != nil {
			return err
		}
		return send(receiptPart(&routerv1.InvokeResponse{RequestId: "req-1", StatusCode: 206, Logs: []string{"ü𝄞\x7f"}}))
	})
	answer := post(t, a.serve(t)+"/functions/hello/invoke?stream=true")
	body := bufio.NewReader(answer.Body)
	if line, err := body.ReadString('\n'); err != nil || line != "one\n" {
		t.Fatalf("first line = %q, %v", line, err)
	}
	close(goOn)
	if rest, err := io.ReadAll(body); err != nil || string(rest) != "\xff\x00" {
		t.Errorf("the rest = %q, %v", rest, err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/octet-stream", functionStatusHeader: "206", "X-Content-Type-Options": "nosniff",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get(requestIDHeader) == "" {
		t.Errorf("answer = %d, %v", answer.StatusCode, answer.Header)
	}
	line := answer.Trailer.Get(receiptTrailer)
	var receipt map[string]any
	if err := json.Unmarshal([]byte(line), &receipt); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if _, hasBody := receipt["body"]; hasBody || receipt["requestId"] != "req-1" || receipt["logs"].([]any)[0] != "ü𝄞\x7f" {
		t.Errorf("receipt = %s", line)
	}
	request, ok := a.cluster.LastCall(t).Request.(*routerv1.InvokeRequest)
	if !ok || request.GetFunction() != "hello" || string(request.GetEvent()) != `{"n":1}` || request.GetRequestId() != answer.Header.Get(requestIDHeader) {
		t.Errorf("request = %v", request)
	}
}

func TestPassesOnOnlyTheFunctionsOwnHeaders(t *testing.T) {
	a := newAPI(t)
	a.answerParts(nil, headPart(200, map[string]string{
		"content-type": "text/event-stream", "x-mine": "yes", "set-cookie": "a=b", "connection": "close", "trailer": "x",
		"content-length": "1", "transfer-encoding": "gzip", "x-request-id": "other", "x-receipt": "{}",
		"x-function-status": "1", "x-content-type-options": "none", "clear-site-data": "*",
	}), dataPart("hello"), receiptPart(&routerv1.InvokeResponse{StatusCode: 200}))
	answer := a.send("POST", "/functions/hello/invoke?stream=true", "", requestIDHeader, "mine")
	header := answer.Header()
	if header.Get("Content-Type") != "text/event-stream" || header.Get("X-Mine") != "yes" {
		t.Errorf("header = %v", header)
	}
	for name, want := range map[string]string{
		"Set-Cookie": "", "Connection": "", "Content-Length": "", "Transfer-Encoding": "", "Clear-Site-Data": "",
		requestIDHeader: "mine", functionStatusHeader: "200", "X-Content-Type-Options": "nosniff",
	} {
		if got := answer.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if answer.Body.String() != "hello" {
		t.Errorf("body = %q", answer.Body)
	}
}

func TestStreamThatFailsBeforeItsHeadIsAnOrdinaryError(t *testing.T) {
	a := newAPI(t)
	a.answerParts(nil, receiptPart(&routerv1.InvokeResponse{
		Logs: []string{"before"}, Error: &errorv1.Error{Code: "FUNCTION_ERROR", Message: "no", Executed: "yes"},
	}))
	body := failed(t, a.send("POST", "/functions/hello/invoke?stream=true", `{}`), 502, "FUNCTION_ERROR")
	if len(body.Logs) != 1 {
		t.Errorf("logs = %v", body.Logs)
	}
	a.answerParts(status.Error(codes.NotFound, "no such function"))
	failed(t, a.send("POST", "/functions/hello/invoke?stream=true", `{}`), 404, "NOT_FOUND")
	a.answerParts(nil)
	failed(t, a.send("POST", "/functions/hello/invoke?stream=true", `{}`), 500, "INTERNAL")
}

func TestStreamThatFailsAfterItsHeadIsCutOff(t *testing.T) {
	failure := receiptPart(&routerv1.InvokeResponse{Error: &errorv1.Error{Code: "FUNCTION_TIMEOUT", Message: "no"}})
	for name, test := range map[string]struct {
		err   error
		parts []*routerv1.InvokeStreamingResponse
	}{
		"receipt": {nil, []*routerv1.InvokeStreamingResponse{failure}},
		"status":  {status.Error(codes.Unavailable, "gone"), nil},
		"nothing": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t)
			a.answerParts(test.err, append([]*routerv1.InvokeStreamingResponse{headPart(200, nil), dataPart("half")}, test.parts...)...)
			answer := post(t, a.serve(t)+"/functions/hello/invoke?stream=true")
			body, err := io.ReadAll(answer.Body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "half" {
				t.Errorf("body = %q, %v", body, err)
			}
		})
	}
}

func TestRefusesStreamsThatCannotBe(t *testing.T) {
	a := newAPI(t)
	body := failed(t, a.send("POST", "/functions/hello/invoke?stream=true", `{}`, idempotencyKeyHeader, "k"), 400, "INVALID_ARGUMENT")
	if len(body.Error.Details) != 1 || body.Error.Details[0].Field != idempotencyKeyHeader {
		t.Errorf("details = %v", body.Error.Details)
	}
	failed(t, a.send("POST", "/functions/hello/invoke?stream=yes", `{}`), 400, "INVALID_ARGUMENT")
	if calls := a.cluster.Calls(); len(calls) > 0 {
		t.Errorf("calls = %v", calls)
	}
	a.send("POST", "/functions/hello/invoke?stream=false", `{}`)
	if methodOf(t, a) != invoke {
		t.Errorf("method = %s", methodOf(t, a))
	}
}

func TestReceiptsInTrailersAreShort(t *testing.T) {
	for name, receipt := range map[string]*routerv1.InvokeResponse{
		"logs":    {RequestId: "r", Logs: []string{strings.Repeat("x", receiptLimit)}, Headers: map[string]string{"a": "b"}},
		"headers": {RequestId: "r", Headers: map[string]string{"a": strings.Repeat("x", receiptLimit)}},
	} {
		line := shortReceipt(receipt)
		var short struct {
			RequestID     string `json:"requestId"`
			Logs          []string
			LogsTruncated bool
			Headers       map[string]string
		}
		if err := json.Unmarshal([]byte(line), &short); err != nil || len(line) > receiptLimit {
			t.Fatalf("%s: %v: %s", name, err, line)
		}
		if short.RequestID != "r" || len(short.Logs) > 0 || !short.LogsTruncated || (name == "logs") != (short.Headers["a"] == "b") {
			t.Errorf("%s: %s", name, line)
		}
	}
}
