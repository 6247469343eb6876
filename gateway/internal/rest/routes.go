package rest

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	functionv1 "serverless-orchestrator/gateway/gen/serverless/function/v1"
	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
)

const (
	// eventLimit is the largest event of an invocation.
	eventLimit = 6 << 20
	// functionLimit fits an archive of 50 MiB as base64 with everything else.
	functionLimit = 72 << 20
	// smallLimit is for every other body.
	smallLimit = 64 << 10
)

// route is one line of the API: what may come in, and who answers. What a call
// becomes over gRPC stands in http_rules.yaml.
type route struct {
	method, path, description string

	// service answers the call; errors name it. Empty: the gateway itself.
	service string
	// query names the parameters that are allowed.
	query map[string]queryKind
	// body is the message that a JSON body describes; nil when the body is not
	// JSON for the gateway.
	body proto.Message
	// bodyLimit is in bytes; 0 means smallLimit.
	bodyLimit int64
	// queryAsBody: parameters take the place of a body that was left out.
	queryAsBody bool
	// slow calls run user code, so their deadline is invoke_timeout.
	slow bool
	// builds: the code may have to be built first, so the deadline is
	// backend.BuildTimeout at least.
	builds bool
	// runsCode: a failure has to say whether user code may have run.
	runsCode bool
	// handler answers routes that are no gRPC call of their own.
	handler func(h *Handler, w http.ResponseWriter, r *http.Request, params map[string]string)

	segments []string
}

// routeTable is the whole API.
type routeTable []*route

func newRoutes() routeTable {
	table := routeTable{
		{
			method: http.MethodGet, path: "/",
			description: "This overview",
			handler:     (*Handler).index,
		},
		{
			method: http.MethodGet, path: "/health",
			description: "State of the platform and of each service",
			handler:     (*Handler).health,
		},
		{
			method: http.MethodGet, path: "/health/live",
			description: "Whether the gateway runs",
			handler:     (*Handler).live,
		},
		{
			method: http.MethodGet, path: "/health/ready",
			description: "Whether invocations are welcome",
			handler:     (*Handler).ready,
		},
		{
			method: http.MethodGet, path: "/metrics",
			description: "Instances and statistics per function; Prometheus text when Accept asks for text/plain",
			handler:     (*Handler).metrics,
		},
		{
			method: http.MethodGet, path: "/functions", service: "registry",
			description: "List functions",
			query:       map[string]queryKind{"pageSize": queryInteger, "pageToken": queryText, "filter": queryText},
		},
		{
			method: http.MethodPost, path: "/functions", service: "registry",
			description: "Register a function",
			body:        &functionv1.Function{}, bodyLimit: functionLimit, builds: true,
		},
		{
			method: http.MethodGet, path: "/functions/{id}", service: "registry",
			description: "Get a function; view=full includes its code",
			query:       map[string]queryKind{"view": queryText},
		},
		{
			method: http.MethodPut, path: "/functions/{id}", service: "registry",
			description: "Replace a function by a new version",
			body:        &functionv1.Function{}, bodyLimit: functionLimit, builds: true,
		},
		{
			method: http.MethodPatch, path: "/functions/{id}", service: "registry",
			description: "Change the given fields of a function",
			body:        &functionv1.Function{}, bodyLimit: functionLimit, builds: true,
		},
		{
			method: http.MethodDelete, path: "/functions/{id}", service: "registry",
			description: "Delete a function",
		},
		{
			method: http.MethodPost, path: "/functions/{id}/invoke", service: "router",
			description: "Invoke a function with the body as its event; stream=true passes on its answer while it is written",
			query:       map[string]queryKind{"stream": queryBoolean},
			bodyLimit:   eventLimit, slow: true, runsCode: true,
			handler: (*Handler).invoke,
		},
		{
			method: http.MethodPost, path: "/functions/{id}/warm", service: "pool",
			description: "Start instances and wait until they are warm",
			query:       map[string]queryKind{"count": queryInteger},
			body:        &poolv1.WarmRequest{}, queryAsBody: true, slow: true,
		},
		{
			method: http.MethodGet, path: "/functions/{id}/instances", service: "pool",
			description: "List the instances of a function",
		},
		{
			method: http.MethodGet, path: "/functions/{id}/logs", service: "router",
			description: "Logs of recent invocations, newest first",
			query:       map[string]queryKind{"requestId": queryText, "since": queryTime, "pageSize": queryInteger},
		},
		{
			method: http.MethodGet, path: "/functions/{id}/decisions", service: "scaler",
			description: "What was decided about the instances of a function, newest first; with requestId, why that call was cold or warm",
			query: map[string]queryKind{
				"requestId": queryText, "since": queryTime, "pageSize": queryInteger, "pageToken": queryText,
			},
		},
		{
			method: http.MethodGet, path: "/functions/{id}/warming", service: "scaler",
			description: "What warming a function costs and brings, and what prediction would",
		},
		{
			method: http.MethodGet, path: "/functions/{id}/versions", service: "registry",
			description: "List the versions of a function, newest first",
			query:       map[string]queryKind{"pageSize": queryInteger, "pageToken": queryText},
		},
		{
			method: http.MethodPost, path: "/functions/{id}/rollback", service: "registry",
			description: "Make an old version current",
			body:        &registryv1.RollbackFunctionRequest{}, builds: true,
		},
	}
	for _, r := range table {
		r.segments = strings.Split(r.path, "/")
	}
	return table
}

// find looks up method and escaped path. When only the method is wrong,
// `allowed` lists the right ones.
func (t routeTable) find(method, escapedPath string) (found *route, allowed []string) {
	segments := strings.Split(escapedPath, "/")
	for _, r := range t {
		if !r.matches(segments) {
			continue
		}
		// HEAD is GET of which net/http drops the body.
		if r.method == method || (method == http.MethodHead && r.method == http.MethodGet) {
			return r, nil
		}
		allowed = append(allowed, r.method)
		if r.method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	return nil, allowed
}

func (r *route) matches(segments []string) bool {
	if len(segments) != len(r.segments) {
		return false
	}
	for i, segment := range r.segments {
		if segment == "{id}" {
			// The mux splits at an escaped slash as well, so that would be another route.
			if segments[i] == "" || strings.Contains(strings.ToLower(segments[i]), "%2f") {
				return false
			}
		} else if segment != segments[i] {
			return false
		}
	}
	return true
}
