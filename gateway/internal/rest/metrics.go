package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

// functionNumbers is everything known about one function. Either part may be
// nil: a service is down, or has never heard of the function.
type functionNumbers struct {
	id, name   string
	instances  *poolv1.FunctionMetrics
	statistics *routerv1.FunctionStatistics
}

// numbers is one look at the platform.
type numbers struct {
	functions          []*functionNumbers // by name
	startSteps         []*poolv1.StartStep
	poolErr, routerErr error
}

// collectNumbers asks pool and router at the same time and joins by function id.
func (h *Handler) collectNumbers(ctx context.Context) *numbers {
	var (
		group   sync.WaitGroup
		pool    *poolv1.GetMetricsResponse
		router  *routerv1.GetStatisticsResponse
		results numbers
	)
	group.Go(func() { pool, results.poolErr = h.pool.GetMetrics(ctx, &poolv1.GetMetricsRequest{}) })
	group.Go(func() { router, results.routerErr = h.router.GetStatistics(ctx, &routerv1.GetStatisticsRequest{}) })
	group.Wait()

	results.startSteps = pool.GetStartSteps()
	byID := map[string]*functionNumbers{}
	function := func(id, name string) *functionNumbers {
		found := byID[id]
		if found == nil {
			found = &functionNumbers{id: id}
			byID[id] = found
			results.functions = append(results.functions, found)
		}
		if found.name == "" {
			found.name = name
		}
		return found
	}
	for _, metrics := range pool.GetMetrics() {
		function(metrics.GetFunctionId(), metrics.GetFunctionName()).instances = metrics
	}
	for _, statistics := range router.GetFunctions() {
		function(statistics.GetFunctionId(), statistics.GetFunctionName()).statistics = statistics
	}
	slices.SortFunc(results.functions, func(a, b *functionNumbers) int {
		return strings.Compare(a.name+"\x00"+a.id, b.name+"\x00"+b.id)
	})
	return &results
}

// metrics answers JSON or, to scrapers, the Prometheus exposition.
func (h *Handler) metrics(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	found := h.collectNumbers(r.Context())
	if wantsExposition(r.Header) {
		h.writeExposition(w, r, found)
		return
	}
	if found.poolErr != nil {
		// Without instances there is nothing left of what the JSON promises.
		ex := exchangeOf(r.Context())
		h.fail(w, r, ex, failureOf(found.poolErr, "pool", ex))
		return
	}
	if found.routerErr != nil {
		h.options.Log.Warn("metrics without statistics", "error", found.routerErr)
	}
	body := metricsBody{Metrics: []functionMetrics{}}
	for _, f := range found.functions {
		body.Metrics = append(body.Metrics, newFunctionMetrics(f))
	}
	writeJSON(w, http.StatusOK, body)
}

// wantsExposition prefers JSON when both are welcome: some HTTP clients send
// "application/json, text/plain, */*" with every request.
func wantsExposition(header http.Header) bool {
	accept := strings.ToLower(strings.Join(header.Values("Accept"), ","))
	return !strings.Contains(accept, "application/json") &&
		(strings.Contains(accept, "text/plain") || strings.Contains(accept, "application/openmetrics-text"))
}

func (h *Handler) writeExposition(w http.ResponseWriter, r *http.Request, found *numbers) {
	if err := errors.Join(found.poolErr, found.routerErr); err != nil {
		h.options.Log.Warn("metrics are incomplete", "error", err)
	}
	// One registry per scrape: what it collects belongs to this request.
	platform := prometheus.NewRegistry()
	platform.MustRegister(exposition{found})
	promhttp.HandlerFor(
		prometheus.Gatherers{platform, h.traffic.registry},
		promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.HTTPErrorOnError},
	).ServeHTTP(w, r)
}

// metricsBody is the JSON of GET /metrics.
type metricsBody struct {
	Metrics []functionMetrics `json:"metrics"`
}

type functionMetrics struct {
	FunctionID   string  `json:"functionId"`
	FunctionName string  `json:"functionName"`
	Total        int32   `json:"total"`
	Warm         int32   `json:"warm"`
	Busy         int32   `json:"busy"`
	Warming      int32   `json:"warming"`
	Terminating  int32   `json:"terminating"`
	QueueDepth   int32   `json:"queueDepth"`
	InFlight     int32   `json:"inFlight"`
	Invocations  float64 `json:"invocations"`
	Errors       float64 `json:"errors"`
	ColdStarts   float64 `json:"coldStarts"`
	Rejected     float64 `json:"rejected"`
	// Refusals counts by the code of the error; only codes that occurred.
	Refusals   map[string]float64 `json:"refusals"`
	QueueBytes float64            `json:"queueBytes"`
	Average    float64            `json:"average"` // this and the rest in ms
	P50        float64            `json:"p50"`
	P95        float64            `json:"p95"`
	P99        float64            `json:"p99"`
}

func newFunctionMetrics(f *functionNumbers) functionMetrics {
	pool, router := f.instances, f.statistics
	return functionMetrics{
		FunctionID:   f.id,
		FunctionName: f.name,
		Total:        pool.GetTotal(),
		Warm:         pool.GetWarm(),
		Busy:         pool.GetBusy(),
		Warming:      pool.GetWarming(),
		Terminating:  pool.GetTerminating(),
		QueueDepth:   router.GetQueueDepth(),
		InFlight:     router.GetInFlight(),
		Invocations:  finite(router.GetInvocations()),
		Errors:       finite(router.GetErrors()),
		ColdStarts:   finite(router.GetColdStarts()),
		Rejected:     finite(router.GetRejected()),
		Refusals:     finiteCounts(router.GetRefusals()),
		QueueBytes:   finite(router.GetQueueBytes()),
		Average:      finite(router.GetAverage()),
		P50:          finite(router.GetP50()),
		P95:          finite(router.GetP95()),
		P99:          finite(router.GetP99()),
	}
}

// finiteCounts is never nil, so that its JSON is an object.
func finiteCounts(counts map[string]float64) map[string]float64 {
	shown := make(map[string]float64, len(counts))
	for reason, count := range counts {
		shown[reason] = finite(count)
	}
	return shown
}
