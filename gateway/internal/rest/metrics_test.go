package rest

import (
	"strings"
	"testing"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

func withNumbers(t *testing.T) *api {
	t.Helper()
	a := newAPI(t)
	a.cluster.Answer(getMetrics, &poolv1.GetMetricsResponse{Metrics: []*poolv1.FunctionMetrics{
		{FunctionId: "fn-1", FunctionName: "hello", Total: 3, Warm: 2, Busy: 1, Started: 4, FailedStarts: 1, Expired: 2},
		{FunctionId: "fn-2", FunctionName: "idle", Total: 1, Warm: 1},
	}, StartSteps: []*poolv1.StartStep{
		{Runtime: "node", Step: "activate", Bounds: []float64{0.001}, Counts: []float64{3}, Count: 4, Sum: 0.25},
	}})
	a.cluster.Answer(getStatistics, &routerv1.GetStatisticsResponse{Functions: []*routerv1.FunctionStatistics{
		{
			FunctionId: "fn-1", FunctionName: "hello", QueueDepth: 5, InFlight: 1, Invocations: 100, Errors: 2, ColdStarts: 3,
			Rejected: 4, Refusals: map[string]float64{"RATE_LIMITED": 2, "QUEUE_FULL": 3}, QueueBytes: 4096, Average: 1.5, P50: 1, P95: 2, P99: 3, Duration: &routerv1.DurationHistogram{
				Bounds: []float64{0.001, 0.01}, Counts: []float64{60, 90}, Count: 100, Sum: 0.5,
			},
		},
		{FunctionId: "fn-3", FunctionName: "gone", Invocations: 7},
	}})
	return a
}

func TestMetricsJSONJoinsPoolAndRouter(t *testing.T) {
	answer := withNumbers(t).send("GET", "/metrics", "", "Accept", "*/*")
	want := `{"metrics":[` +
		`{"functionId":"fn-3","functionName":"gone","total":0,"warm":0,"busy":0,"warming":0,"terminating":0,` +
		`"queueDepth":0,"inFlight":0,"invocations":7,"errors":0,"coldStarts":0,"rejected":0,"refusals":{},"queueBytes":0,"average":0,"p50":0,"p95":0,"p99":0},` +
		`{"functionId":"fn-1","functionName":"hello","total":3,"warm":2,"busy":1,"warming":0,"terminating":0,` +
		`"queueDepth":5,"inFlight":1,"invocations":100,"errors":2,"coldStarts":3,"rejected":4,"refusals":{"QUEUE_FULL":3,"RATE_LIMITED":2},"queueBytes":4096,"average":1.5,"p50":1,"p95":2,"p99":3},` +
		`{"functionId":"fn-2","functionName":"idle","total":1,"warm":1,"busy":0,"warming":0,"terminating":0,` +
		`"queueDepth":0,"inFlight":0,"invocations":0,"errors":0,"coldStarts":0,"rejected":0,"refusals":{},"queueBytes":0,"average":0,"p50":0,"p95":0,"p99":0}]}`
	if answer.Code != 200 || answer.Body.String() != want {
		t.Errorf("answer = %d %s", answer.Code, answer.Body)
	}
}

func TestMetricsWithoutTheRouter(t *testing.T) {
	a := withNumbers(t)
	a.cluster.Services["router"].Stop()
	body := decode[metricsBody](t, a.send("GET", "/metrics", ""))
	if len(body.Metrics) != 2 || body.Metrics[0].Warm != 2 || body.Metrics[0].Invocations != 0 {
		t.Errorf("metrics = %+v", body.Metrics)
	}
}

func TestMetricsWithoutFunctions(t *testing.T) {
	if got := newAPI(t).send("GET", "/metrics", "").Body.String(); got != `{"metrics":[]}` {
		t.Errorf("body = %s", got)
	}
}

func TestMetricsFormFollowsAccept(t *testing.T) {
	a := withNumbers(t)
	for accept, contentType := range map[string]string{
		"":                                       "application/json",
		"*/*":                                    "application/json",
		"application/json, text/plain, */*":      "application/json",
		"text/html,*/*;q=0.8":                    "application/json",
		"text/plain":                             "text/plain",
		"application/openmetrics-text; q=1, */*": "application/openmetrics-text",
	} {
		answer := a.send("GET", "/metrics", "", "Accept", accept)
		if got := answer.Header().Get("Content-Type"); answer.Code != 200 || !strings.HasPrefix(got, contentType) {
			t.Errorf("Accept %q: %d %q", accept, answer.Code, got)
		}
	}
}

func TestExposition(t *testing.T) {
	a := withNumbers(t)
	a.send("GET", "/functions/hello", "")
	a.send("BREW", "/pot", "")
	text := a.send("GET", "/metrics", "", "Accept", "text/plain").Body.String()
	for _, want := range []string{
		`so_start_step_seconds_bucket{runtime="node",step="activate",le="0.001"} 3`,
		`so_start_step_seconds_sum{runtime="node",step="activate"} 0.25`,
		`faas_invocations_total{function="hello",function_id="fn-1"} 100`,
		`faas_invocations_total{function="gone",function_id="fn-3"} 7`,
		`faas_errors_total{function="hello",function_id="fn-1"} 2`,
		`faas_coldstarts_total{function="hello",function_id="fn-1"} 3`,
		`faas_invoke_duration_seconds_bucket{function="hello",function_id="fn-1",le="0.001"} 60`,
		`faas_invoke_duration_seconds_bucket{function="hello",function_id="fn-1",le="0.01"} 90`,
		`faas_invoke_duration_seconds_bucket{function="hello",function_id="fn-1",le="+Inf"} 100`,
		`faas_invoke_duration_seconds_sum{function="hello",function_id="fn-1"} 0.5`,
		`so_refusals_total{function="hello",function_id="fn-1",reason="QUEUE_FULL"} 3`,
		`so_refusals_total{function="hello",function_id="fn-1",reason="RATE_LIMITED"} 2`,
		`so_queue_bytes{function="hello",function_id="fn-1"} 4096`,
		`so_queue_depth{function="hello",function_id="fn-1"} 5`,
		`so_instances{function="hello",function_id="fn-1",state="warm"} 2`,
		`so_instances{function="hello",function_id="fn-1",state="terminating"} 0`,
		`so_instance_starts_total{function="hello",function_id="fn-1"} 4`,
		`so_instance_start_failures_total{function="hello",function_id="fn-1"} 1`,
		`so_instances_expired_total{function="hello",function_id="fn-1"} 2`,
		`so_source_up{service="pool"} 1`,
		`so_source_up{service="router"} 1`,
		`so_gateway_http_requests_total{code="200",method="GET",route="/functions/{id}"} 1`,
		`so_gateway_http_requests_total{code="404",method="other",route="unknown"} 1`,
		`so_gateway_http_request_duration_seconds_count{method="GET",route="/functions/{id}"} 1`,
		"go_goroutines ",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no line %s", want)
		}
	}
}

func TestExpositionWithoutSources(t *testing.T) {
	a := withNumbers(t)
	a.cluster.Services["pool"].Stop()
	answer := a.send("GET", "/metrics", "", "Accept", "text/plain")
	text := answer.Body.String()
	if answer.Code != 200 || !strings.Contains(text, `so_source_up{service="pool"} 0`) ||
		!strings.Contains(text, `faas_invocations_total{function="hello"`) || strings.Contains(text, "so_instances{") {
		t.Errorf("answer = %d %s", answer.Code, text)
	}
}
