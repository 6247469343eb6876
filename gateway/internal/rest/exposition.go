package rest

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

// exposition gives one look at the platform to Prometheus.
type exposition struct {
	*numbers
}

// perFunction are the labels of most metrics that have any; instance and request
// ids would be new time series without end.
var perFunction = []string{"function", "function_id"}

var (
	invocationsDesc = desc("faas_invocations_total", "Invocations since the router started.")
	errorsDesc      = desc("faas_errors_total", "Invocations that failed since the router started.")
	coldStartsDesc  = desc("faas_coldstarts_total", "Invocations that waited for an instance to start.")
	durationDesc    = desc("faas_invoke_duration_seconds", "Time in the function.")
	rejectedDesc    = desc("so_rejected_total", "Invocations refused because the queue was full.")
	refusalsDesc    = desc("so_refusals_total", "Invocations that ended before they ran, by the code of the error.", "reason")
	queueBytesDesc  = desc("so_queue_bytes", "Bytes of events of invocations that wait or run.")
	queueDepthDesc  = desc("so_queue_depth", "Invocations that wait for an instance.")
	inFlightDesc    = desc("so_in_flight", "Invocations that are running.")
	instancesDesc   = desc("so_instances", "Instances by state.", "state")
	startsDesc      = desc("so_instance_starts_total", "Instances started since the pool started.")
	failuresDesc    = desc("so_instance_start_failures_total", "Instances that could not be started.")
	expiredDesc     = desc("so_instances_expired_total", "Instances stopped because they were idle or old.")
	startStepDesc   = prometheus.NewDesc("so_start_step_seconds",
		"Time that one step of a start takes.", []string{"runtime", "step"}, nil)
	sourceUpDesc = prometheus.NewDesc("so_source_up",
		"Whether the service that the numbers come from answered.", []string{"service"}, nil)
)

func desc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append(append([]string{}, perFunction...), more...), nil)
}

// Describe sends nothing: which metrics there are depends on who answered.
func (e exposition) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (e exposition) Collect(out chan<- prometheus.Metric) {
	out <- gauge(sourceUpDesc, up(e.poolErr), "pool")
	out <- gauge(sourceUpDesc, up(e.routerErr), "router")
	for _, step := range e.startSteps {
		out <- histogram(startStepDesc, step, step.GetRuntime(), step.GetStep())
	}
	for _, f := range e.functions {
		if f.statistics != nil {
			collectStatistics(out, f.statistics, f.name, f.id)
		}
		if f.instances != nil {
			collectInstances(out, f.instances, f.name, f.id)
		}
	}
}

func collectStatistics(out chan<- prometheus.Metric, s *routerv1.FunctionStatistics, labels ...string) {
	out <- counter(invocationsDesc, s.GetInvocations(), labels...)
	out <- counter(errorsDesc, s.GetErrors(), labels...)
	out <- counter(coldStartsDesc, s.GetColdStarts(), labels...)
	out <- counter(rejectedDesc, s.GetRejected(), labels...)
	for reason, count := range s.GetRefusals() {
		out <- counter(refusalsDesc, count, append(append([]string{}, labels...), reason)...)
	}
	out <- gauge(queueBytesDesc, s.GetQueueBytes(), labels...)
	out <- gauge(queueDepthDesc, float64(s.GetQueueDepth()), labels...)
	out <- gauge(inFlightDesc, float64(s.GetInFlight()), labels...)

	out <- histogram(durationDesc, s.GetDuration(), labels...)
}

// buckets is a cumulative histogram as the services send it.
type buckets interface {
	GetBounds() []float64
	GetCounts() []float64
	GetCount() float64
	GetSum() float64
}

func histogram(desc *prometheus.Desc, from buckets, labels ...string) prometheus.Metric {
	counts := map[float64]uint64{}
	for i, bound := range from.GetBounds() {
		if i < len(from.GetCounts()) && !math.IsNaN(bound) && !math.IsInf(bound, 0) {
			counts[bound] = uint64(max(0, finite(from.GetCounts()[i])))
		}
	}
	return prometheus.MustNewConstHistogram(desc,
		uint64(max(0, finite(from.GetCount()))), finite(from.GetSum()), counts, labels...)
}

func collectInstances(out chan<- prometheus.Metric, m *poolv1.FunctionMetrics, labels ...string) {
	for _, state := range []struct {
		name  string
		count int32
	}{
		{"warming", m.GetWarming()},
		{"warm", m.GetWarm()},
		{"busy", m.GetBusy()},
		{"terminating", m.GetTerminating()},
	} {
		out <- gauge(instancesDesc, float64(state.count), append(append([]string{}, labels...), state.name)...)
	}
	out <- counter(startsDesc, m.GetStarted(), labels...)
	out <- counter(failuresDesc, m.GetFailedStarts(), labels...)
	out <- counter(expiredDesc, m.GetExpired(), labels...)
}

func counter(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, finite(value), labels...)
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func up(err error) float64 {
	if err != nil {
		return 0
	}
	return 1
}

// finite replaces what JSON cannot write.
func finite(value float64) float64 {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0
	}
	return value
}
