package rest

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

const (
	functionStatusHeader = "X-Function-Status"
	receiptTrailer       = "X-Receipt"

	// receiptLimit is the longest trailer in bytes: many clients and proxies take
	// no more.
	receiptLimit = 4 << 10
)

// keptHeaders are not the function's to set: those of the connection, those of
// the gateway, and those that speak for everything at this address.
var keptHeaders = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Content-Length", "Date",
	requestIDHeader, functionStatusHeader, receiptTrailer, "X-Content-Type-Options",
	"Set-Cookie", "Set-Cookie2", "Alt-Svc", "Clear-Site-Data", "Service-Worker-Allowed", "Strict-Transport-Security",
}

// invokeStreaming runs a function and hands on its answer while it is written.
// What the client does not read yet waits in the function: nothing is taken
// from the router before it has been written to the client.
func (h *Handler) invokeStreaming(w http.ResponseWriter, r *http.Request, function string) {
	ex := exchangeOf(r.Context())
	if ex.idempotencyKey != "" {
		h.fail(w, r, ex, wrongFields([]*errorv1.FieldProblem{{
			Field: idempotencyKeyHeader, Problem: "cannot be given with stream=true: a streamed answer is not kept",
		}}))
		return
	}
	outgoing := outgoingMetadata(r.Header)
	outgoing.Set(backend.ClientKey, ex.client)
	stream, err := h.router.InvokeStreaming(
		metadata.NewOutgoingContext(r.Context(), outgoing),
		&routerv1.InvokeRequest{Function: function, Event: ex.body, RequestId: ex.requestID},
	)
	if err != nil {
		h.fail(w, r, ex, failureOf(err, ex.route.service, ex))
		return
	}
	first, err := stream.Recv()
	if err != nil {
		h.fail(w, r, ex, failureOf(err, ex.route.service, ex))
		return
	}
	if receipt := first.GetReceipt(); receipt != nil {
		h.fail(w, r, ex, receiptFailure(receipt))
		return
	}
	writeStreamHead(w, first.GetHead())
	if f := copyStream(w, stream, ex); f != nil {
		h.fail(w, r, ex, f)
		// Part of the answer is out: all that is left is to end the connection in
		// the middle of it, so that nobody takes it for the whole.
		panic(http.ErrAbortHandler)
	}
}

func writeStreamHead(w http.ResponseWriter, head *routerv1.ResponseHead) {
	header := w.Header()
	for name, value := range head.GetHeaders() {
		if name = http.CanonicalHeaderKey(name); !slices.Contains(keptHeaders, name) {
			header.Set(name, value)
		}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/octet-stream")
	}
	header.Set(functionStatusHeader, strconv.Itoa(int(head.GetStatusCode())))
	header.Set("Trailer", receiptTrailer)
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // the client may be gone
}

// copyStream writes what follows the head; the failure is that of a function or
// a service that did not get to the end.
func copyStream(w http.ResponseWriter, stream routerv1.RouterService_InvokeStreamingClient, ex *exchange) *failure {
	connection := http.NewResponseController(w)
	for {
		message, err := stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // without a receipt
			}
			return failureOf(err, ex.route.service, ex)
		}
		if receipt := message.GetReceipt(); receipt != nil {
			if receipt.GetError() != nil {
				return receiptFailure(receipt)
			}
			w.Header().Set(receiptTrailer, shortReceipt(receipt))
			return nil
		}
		if _, err = w.Write(message.GetData()); err == nil {
			err = connection.Flush()
		}
		if err != nil {
			f := newFailure(codeUnavailable, "the client has gone")
			f.cause = err
			return f
		}
	}
}

// receiptFailure is what a client sees of user code that failed.
func receiptFailure(receipt *routerv1.InvokeResponse) *failure {
	failed := receipt.GetError()
	if failed == nil {
		return newFailure(codeInternal, "the router answered nothing")
	}
	return &failure{
		typedError: failed,
		status:     statusOf(failed.GetCode(), codes.Internal),
		logs:       receipt.GetLogs(),
	}
}

// shortReceipt is a receipt as one line that fits a trailer: without its body,
// and without what the function itself made too long.
func shortReceipt(receipt *routerv1.InvokeResponse) string {
	line := asciiJSON(appendReceiptWithoutBody(nil, receipt))
	if len(line) <= receiptLimit {
		return line
	}
	short, ok := proto.Clone(receipt).(*routerv1.InvokeResponse)
	if !ok {
		return ""
	}
	short.Logs = nil
	short.LogsTruncated = true
	if line = asciiJSON(appendReceiptWithoutBody(nil, short)); len(line) > receiptLimit {
		short.Headers = nil
		line = asciiJSON(appendReceiptWithoutBody(nil, short))
	}
	return line
}

// asciiJSON escapes what a header cannot be trusted to carry: other characters
// than those of ASCII, which in JSON stand in strings only.
func asciiJSON(text []byte) string {
	const hex = "0123456789abcdef"
	var out strings.Builder
	out.Grow(len(text))
	escape := func(unit rune) {
		out.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			out.WriteByte(hex[unit>>shift&0xf])
		}
	}
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			out.WriteByte(byte(r))
		case r <= 0xffff:
			escape(r)
		default:
			r -= 0x10000
			escape(0xd800 + r>>10)
			escape(0xdc00 + r&0x3ff)
		}
	}
	return out.String()
}
