package rest

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// traffic counts what the gateway itself does.
type traffic struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newTraffic() *traffic {
	t := &traffic{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "so_gateway_http_requests_total",
			Help: "HTTP requests answered by the gateway.",
		}, []string{"method", "route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "so_gateway_http_request_duration_seconds",
			Help:    "Time from the head of an HTTP request to the end of its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route"}),
	}
	t.registry.MustRegister(t.requests, t.duration,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return t
}

// observe keeps the number of label values bounded: a client can invent
// methods, and paths are those of the route table.
func (t *traffic) observe(method, route string, status int, took time.Duration) {
	known := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions,
	}
	if !slices.Contains(known, method) {
		method = "other"
	}
	t.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	t.duration.WithLabelValues(method, route).Observe(took.Seconds())
}
