package edge

import (
	"strings"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	scalerv1 "serverless-orchestrator/gateway/gen/serverless/scaler/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

// owners maps each public service to the process that serves it. Services that
// are not here cannot be reached from outside, whatever their process serves.
func owners(backends *backend.Set) map[string]*backend.Service {
	return map[string]*backend.Service{
		registryv1.RegistryService_ServiceDesc.ServiceName: backends.Registry,
		poolv1.PoolService_ServiceDesc.ServiceName:         backends.Pool,
		routerv1.RouterService_ServiceDesc.ServiceName:     backends.Router,
		scalerv1.ScalerService_ServiceDesc.ServiceName:     backends.Scaler,
	}
}

// slowMethods run user code.
var slowMethods = map[string]bool{
	routerv1.RouterService_Invoke_FullMethodName:          true,
	routerv1.RouterService_InvokeStreaming_FullMethodName: true,
	poolv1.PoolService_Warm_FullMethodName:                true,
}

// buildMethods may have to build code first.
var buildMethods = map[string]bool{
	registryv1.RegistryService_CreateFunction_FullMethodName:   true,
	registryv1.RegistryService_ReplaceFunction_FullMethodName:  true,
	registryv1.RegistryService_UpdateFunction_FullMethodName:   true,
	registryv1.RegistryService_RollbackFunction_FullMethodName: true,
}

// deadlineOf is how long a call may take whose client set no deadline.
func (o Options) deadlineOf(fullMethod string) time.Duration {
	switch {
	case slowMethods[fullMethod]:
		return o.InvokeTimeout
	case buildMethods[fullMethod]:
		return max(o.CallTimeout, backend.BuildTimeout)
	}
	return o.CallTimeout
}

// serviceOf cuts "serverless.pool.v1.PoolService" out of
// "/serverless.pool.v1.PoolService/Warm".
func serviceOf(fullMethod string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(fullMethod, "/"), "/")
	return service
}

// listing is what reflection lists: the services that a client can use here.
type listing struct{}

func (listing) GetServiceInfo() map[string]grpc.ServiceInfo {
	services := map[string]grpc.ServiceInfo{healthpb.Health_ServiceDesc.ServiceName: {}}
	for name := range owners(&backend.Set{}) {
		services[name] = grpc.ServiceInfo{}
	}
	return services
}
