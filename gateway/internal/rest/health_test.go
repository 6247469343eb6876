package rest

import (
	"strings"
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
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

func TestHealthTellsTheIsolation(t *testing.T) {
	for _, test := range []struct {
		name      string
		isolation *poolv1.Isolation
		want      string
	}{
		{"full", &poolv1.Isolation{}, `"isolation":"full"}`},
		{"layers missing", &poolv1.Isolation{MissingLayers: []string{"seccomp", "landlock"}},
			`"isolation":["seccomp","landlock"]}`},
		{"no launcher", &poolv1.Isolation{Problem: "the launcher was lost"}, `"problems":["the launcher was lost"]}`},
		{"no runtime", &poolv1.Isolation{Runtimes: []*poolv1.RuntimeStock{{Runtime: "node", Problem: "not installed"}}},
			`"isolation":"full","problems":["node: not installed"]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI(t)
			a.cluster.Answer(getIsolation, &poolv1.GetIsolationResponse{Isolation: test.isolation})
			answer := compact(t, a.send("GET", "/health", "").Body.Bytes())
			if !strings.HasSuffix(answer, ","+test.want) {
				t.Errorf("health = %s, want it to end in %s", answer, test.want)
			}
		})
	}
}
