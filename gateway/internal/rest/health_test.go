package rest

import (
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"serverless-orchestrator/gateway/internal/backend"
)

func TestHealth(t *testing.T) {
	for _, test := range []struct {
		name           string
		prepare        func(a *api)
		health, ready  int
		status         string
		scaler, router backend.State
	}{
		{"all up", func(*api) {}, 200, 200, "ok", "ok", "ok"},
		{"scaler down", func(a *api) { a.cluster.Services["scaler"].Stop() }, 200, 200, "degraded", "unreachable", "ok"},
		{"router down", func(a *api) { a.cluster.Services["router"].Stop() }, 503, 503, "unavailable", "ok", "unreachable"},
		{"router draining", func(a *api) {
			a.cluster.Services["router"].Health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
		}, 503, 503, "unavailable", "ok", "not serving"},
		{"gateway draining", func(a *api) { a.Drain() }, 503, 503, "draining", "ok", "ok"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI(t)
			test.prepare(a)
			answer := a.send("GET", "/health", "")
			body := decode[healthBody](t, answer)
			if answer.Code != test.health || body.Status != test.status {
				t.Errorf("health = %d %s", answer.Code, answer.Body)
			}
			if body.Services.Scaler != test.scaler || body.Services.Router != test.router || body.Services.Registry != "ok" {
				t.Errorf("services = %+v", body.Services)
			}
			if answer := a.send("GET", "/health/ready", ""); answer.Code != test.ready {
				t.Errorf("ready = %d %s", answer.Code, answer.Body)
			}
			if answer := a.send("GET", "/health/live", ""); answer.Code != 200 {
				t.Errorf("live = %d %s", answer.Code, answer.Body)
			}
		})
	}
}
