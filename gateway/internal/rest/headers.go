package rest

import (
	"net/http"
	"net/textproto"
	"strings"
)

// forwardedHeaders travel to the services as gRPC metadata of the same name.
// The list is closed: grpc-*, x-so-* and *-bin headers of a client would
// otherwise speak with the gateway's own voice.
var forwardedHeaders = []string{"Traceparent", "Tracestate", "Baggage", requestIDHeader, "Idempotency-Key"}

// localHeaders mean something to the gateway itself.
var localHeaders = []string{"Accept", "Accept-Encoding", "Content-Type"}

// trustedHeaders is all that is kept of a client's headers. In particular
// grpc-gateway never sees Grpc-Timeout, Authorization or X-Forwarded-For.
func trustedHeaders(header http.Header, requestID string) http.Header {
	trusted := http.Header{}
	for _, name := range localHeaders {
		if values := header.Values(name); len(values) > 0 {
			trusted[name] = values
		}
	}
	for _, name := range forwardedHeaders {
		for _, value := range header.Values(name) {
			if isPrintableASCII(value) {
				trusted.Add(name, value)
			}
		}
	}
	trusted.Set(requestIDHeader, requestID)
	return trusted
}

// isPrintableASCII tells what gRPC takes as a metadata value; a call with
// anything else would fail.
func isPrintableASCII(value string) bool {
	return strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// metadataName is the matcher of grpc-gateway: which headers become metadata.
func metadataName(header string) (string, bool) {
	canonical := textproto.CanonicalMIMEHeaderKey(header)
	for _, name := range forwardedHeaders {
		if canonical == name {
			return strings.ToLower(name), true
		}
	}
	return "", false
}

// noHeader keeps metadata of the services to ourselves.
func noHeader(string) (string, bool) { return "", false }
