package rest

import (
	"maps"
	"slices"
	"testing"
)

func TestOnlyListedHeadersReachTheServices(t *testing.T) {
	header := []string{
		"Traceparent", "00-1-2-01", "Tracestate", "a=b", "Baggage", "k=v", "Idempotency-Key", "key", requestIDHeader, "id-1",
		"Grpc-Timeout", "1n", "Grpc-Metadata-Tenant", "evil", "X-So-Internal", "evil", "X-So-Client", "evil", "Authorization", "secret",
		"Cookie", "secret", "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Host", "evil", "Trace-Bin", "AAAA", "Te", "trailers",
		"Baggage", "not ascii \xff",
	}
	want := map[string][]string{
		"traceparent": {"00-1-2-01"}, "tracestate": {"a=b"}, "baggage": {"k=v"},
		"idempotency-key": {"key"}, "x-request-id": {"id-1"},
	}
	// What the gateway, gRPC and grpc-gateway add by themselves.
	own := []string{"x-so-client", ":authority", "content-type", "user-agent", "grpc-accept-encoding", "x-forwarded-for", "x-forwarded-host"}

	a := newAPI(t)
	for _, call := range []struct{ method, path string }{
		{"GET", "/functions/hello"}, {"POST", "/functions/hello/invoke"},
	} {
		if answer := a.send(call.method, call.path, "", header...); answer.Code != 200 {
			t.Fatalf("%s: %d %s", call.path, answer.Code, answer.Body)
		}
		got := a.cluster.LastCall(t).Metadata
		for name, values := range want {
			if !slices.Equal(got.Get(name), values) {
				t.Errorf("%s: %s = %q, want %q", call.path, name, got.Get(name), values)
			}
		}
		for name := range maps.Keys(got) {
			if _, ok := want[name]; !ok && !slices.Contains(own, name) {
				t.Errorf("%s: %s = %q got through", call.path, name, got.Get(name))
			}
		}
		if slices.Contains(got.Get("x-so-client"), "evil") {
			t.Errorf("%s: forged client %v", call.path, got)
		}
		if slices.Contains(got.Get("x-forwarded-for"), "6.6.6.6") || slices.Contains(got.Get("x-forwarded-host"), "evil") {
			t.Errorf("%s: forged %v", call.path, got)
		}
	}
}
