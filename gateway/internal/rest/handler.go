package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	scalerv1 "serverless-orchestrator/gateway/gen/serverless/scaler/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

// Options is what a Handler needs.
type Options struct {
	Backends *backend.Set
	Log      *slog.Logger
	// Version of the program.
	Version string
	// CallTimeout is the deadline of every call but invoke and warm, whose
	// deadline is InvokeTimeout, and those that build code.
	CallTimeout, InvokeTimeout time.Duration
	// ClientHeader tells clients apart; empty: their addresses do.
	ClientHeader string
}

// Handler is the REST API.
type Handler struct {
	options  Options
	routes   routeTable
	mux      *runtime.ServeMux
	router   routerv1.RouterServiceClient
	pool     poolv1.PoolServiceClient
	traffic  *traffic
	started  time.Time
	draining atomic.Bool
}

// NewHandler makes the API in front of the services.
func NewHandler(options Options) (*Handler, error) {
	h := &Handler{
		options: options,
		routes:  newRoutes(),
		router:  backend.NewRouter(options.Backends.Router.Conn),
		pool:    poolv1.NewPoolServiceClient(options.Backends.Pool.Conn),
		traffic: newTraffic(),
		started: time.Now(),
	}
	h.mux = runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, newMarshaler()),
		runtime.WithIncomingHeaderMatcher(metadataName),
		runtime.WithOutgoingHeaderMatcher(noHeader),
		runtime.WithOutgoingTrailerMatcher(noHeader),
		runtime.WithUnescapingMode(runtime.UnescapingModeAllCharacters),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithWriteContentLength(),
		runtime.WithForwardResponseOption(functionHeaders),
		runtime.WithErrorHandler(h.callFailed),
		runtime.WithRoutingErrorHandler(h.routingFailed),
	)
	if err := h.register(); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Handler) register() error {
	for _, service := range []struct {
		conn     *grpc.ClientConn
		register func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error
	}{
		{h.options.Backends.Registry.Conn, registryv1.RegisterRegistryServiceHandler},
		{h.options.Backends.Pool.Conn, poolv1.RegisterPoolServiceHandler},
		{h.options.Backends.Scaler.Conn, scalerv1.RegisterScalerServiceHandler},
		{h.options.Backends.Router.Conn, routerv1.RegisterRouterServiceHandler},
	} {
		if err := service.register(context.Background(), h.mux, service.conn); err != nil {
			return fmt.Errorf("registering the generated routes: %w", err)
		}
	}
	for _, route := range h.routes {
		if route.handler == nil {
			continue
		}
		handler := func(w http.ResponseWriter, r *http.Request, params map[string]string) {
			route.handler(h, w, r, params)
		}
		if err := h.mux.HandlePath(route.method, route.path, handler); err != nil {
			return fmt.Errorf("registering %s %s: %w", route.method, route.path, err)
		}
	}
	return nil
}

// Drain makes readiness fail; calls are still answered.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP answers one request, whatever happens.
func (h *Handler) ServeHTTP(writer http.ResponseWriter, r *http.Request) {
	start := time.Now()
	w := &response{ResponseWriter: writer}
	ex := &exchange{}
	defer func() {
		if reason := recover(); reason != nil {
			if reason == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this
				h.finished(w, r, ex, time.Since(start))
				panic(reason)
			}
			h.options.Log.Error("panic", "request_id", ex.requestID, "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
			h.fail(w, r, ex, newFailure(codeInternal, "internal error in the gateway"))
		}
		h.finished(w, r, ex, time.Since(start))
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if f := h.serve(w, r, ex); f != nil {
		h.fail(w, r, ex, f)
	}
}

// serve checks a request and hands it to its route.
func (h *Handler) serve(w *response, r *http.Request, ex *exchange) *failure {
	id, badID := requestID(r.Header, time.Now())
	ex.requestID = id
	ex.client = h.clientOf(r)
	w.Header().Set(requestIDHeader, id)
	if badID != nil {
		return badID
	}
	found, allowed := h.routes.find(r.Method, r.URL.EscapedPath())
	if found == nil {
		return noRoute(r, allowed)
	}
	ex.route = found
	ex.timeout = h.options.CallTimeout
	switch {
	case found.slow:
		ex.timeout = h.options.InvokeTimeout
	case found.builds:
		ex.timeout = max(ex.timeout, backend.BuildTimeout)
	}

	query, f := checkQuery(r.URL.RawQuery, found.query)
	if f != nil {
		return f
	}
	etag, f := ifMatch(r.Header)
	if f != nil {
		return f
	}
	if found.runsCode {
		if ex.idempotencyKey, f = idempotencyKey(r.Header); f != nil {
			return f
		}
	}
	if ex.body, f = readBody(w, r, found); f != nil {
		return f
	}
	if found.queryAsBody {
		if ex.body, f = queryToBody(query, ex.body); f != nil {
			return f
		}
	}
	if found.body != nil {
		contentType := r.Header.Get("Content-Type")
		if len(query) > 0 {
			contentType = "" // it describes a body that is not there
		}
		if f := checkJSONBody(contentType, ex.body); f != nil {
			return f
		}
	}

	ctx, cancel := context.WithTimeout(withExchange(r.Context(), ex), ex.timeout)
	defer cancel()
	ctx, ex.attempt = backend.WithAttempt(ctx)
	if etag != "" {
		ctx = backend.WithEtag(ctx, etag)
	}
	inner := r.WithContext(ctx)
	inner.Header = trustedHeaders(r.Header, id)
	setBody(inner, ex.body)
	if inner.Method == http.MethodHead {
		inner.Method = http.MethodGet
	}
	h.mux.ServeHTTP(w, inner)
	return nil
}

// clientOf is whose rate limit a request counts against.
func (h *Handler) clientOf(r *http.Request) string {
	said := ""
	if h.options.ClientHeader != "" {
		said = r.Header.Get(h.options.ClientHeader)
	}
	return backend.ClientIdentity(said, r.RemoteAddr)
}

func noRoute(r *http.Request, allowed []string) *failure {
	if len(allowed) > 0 {
		f := newFailure(codeMethodNotAllowed, "%s is not allowed here", r.Method)
		f.allow = allowed
		return f
	}
	return newFailure(codeNotFound, "there is no %s; GET / lists what there is", r.URL.EscapedPath())
}

// callFailed is grpc-gateway's way to report what went wrong in a generated
// handler: a body that does not fit, or an error of the service.
func (h *Handler) callFailed(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler,
	w http.ResponseWriter, r *http.Request, err error,
) {
	ex := exchangeOf(r.Context())
	if status.Code(err) == codes.InvalidArgument && !ex.attempt.Sent() && ex.route.body != nil {
		h.fail(w, r, ex, diagnose(ex.route.body.ProtoReflect().Descriptor(), ex.body))
		return
	}
	h.fail(w, r, ex, failureOf(err, ex.route.service, ex))
}

// routingFailed is for paths that our table takes and the mux does not, such as
// one with a malformed escape.
func (h *Handler) routingFailed(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler,
	w http.ResponseWriter, r *http.Request, _ int,
) {
	h.fail(w, r, exchangeOf(r.Context()), noRoute(r, nil))
}

// fail answers with an error. A client that has left gets nothing.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, ex *exchange, f *failure) {
	clientLeft := errors.Is(r.Context().Err(), context.Canceled)
	if answer, ok := w.(*response); ok {
		answer.failure = f
		if answer.status != 0 {
			return // too late: part of another answer is already out
		}
		if clientLeft {
			answer.status = statusClientClosed
		}
	}
	if !clientLeft {
		f.write(w, ex.requestID)
	}
}

// finished counts and logs a request. No payloads, no query: they may be private.
func (h *Handler) finished(w *response, r *http.Request, ex *exchange, took time.Duration) {
	path := "unknown"
	if ex.route != nil {
		path = ex.route.path
	}
	h.traffic.observe(r.Method, path, w.status, took)

	attrs := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("path", r.URL.EscapedPath()),
		slog.Int("status", w.status),
		slog.Float64("ms", milliseconds(took)),
		slog.String("request_id", ex.requestID),
	}
	level := slog.LevelDebug
	if f := w.failure; f != nil {
		attrs = append(attrs, slog.String("code", f.GetCode()))
		if f.cause != nil {
			attrs = append(attrs, slog.String("cause", f.cause.Error()))
		}
	}
	if w.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	h.options.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
