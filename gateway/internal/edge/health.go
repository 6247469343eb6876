package edge

import (
	"context"
	"time"

	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	scalerv1 "serverless-orchestrator/gateway/gen/serverless/scaler/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

const healthInterval = time.Second

// aggregate keeps a health server up to date, so that Check answers at once and
// Watch works without a connection per watcher.
type aggregate struct {
	backends *backend.Set
	server   *health.Server
}

// run refreshes until the context ends.
func (a *aggregate) run(ctx context.Context) {
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	for {
		a.refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// refresh asks every service once. The whole is healthy when invocations work.
func (a *aggregate) refresh(ctx context.Context) {
	states := a.backends.Check(ctx)
	for name, state := range map[string]backend.State{
		"": states.Router,
		registryv1.RegistryService_ServiceDesc.ServiceName: states.Registry,
		poolv1.PoolService_ServiceDesc.ServiceName:         states.Pool,
		routerv1.RouterService_ServiceDesc.ServiceName:     states.Router,
		scalerv1.ScalerService_ServiceDesc.ServiceName:     states.Scaler,
	} {
		serving := healthpb.HealthCheckResponse_NOT_SERVING
		if state == backend.StateOK {
			serving = healthpb.HealthCheckResponse_SERVING
		}
		a.server.SetServingStatus(name, serving)
	}
}
