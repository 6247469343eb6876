package backend_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	"serverless-orchestrator/gateway/internal/backend"
	"serverless-orchestrator/gateway/internal/backend/backendtest"
)

func TestCheckTellsStatesApart(t *testing.T) {
	cluster := backendtest.Start(t)
	if states := cluster.Backends.Check(t.Context()); !states.AllOK() {
		t.Errorf("states = %+v", states)
	}
	cluster.Services["pool"].Health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	cluster.Services["scaler"].Stop()
	want := backend.States{
		Registry: backend.StateOK, Pool: backend.StateNotServing,
		Router: backend.StateOK, Scaler: backend.StateUnreachable,
	}
	if states := cluster.Backends.Check(t.Context()); states != want {
		t.Errorf("states = %+v", states)
	}
}

func TestReadsAreRetriedAndInvokeNever(t *testing.T) {
	cluster := backendtest.Start(t)
	const list = "/serverless.registry.v1.RegistryService/ListFunctions"
	failures := 2
	cluster.On(list, func(context.Context, proto.Message) (proto.Message, error) {
		if failures > 0 {
			failures--
			return nil, status.Error(codes.Unavailable, "starting")
		}
		return &registryv1.ListFunctionsResponse{}, nil
	})
	registry := registryv1.NewRegistryServiceClient(cluster.Backends.Registry.Conn)
	if _, err := registry.ListFunctions(t.Context(), &registryv1.ListFunctionsRequest{}); err != nil {
		t.Errorf("a read was not retried: %v", err)
	}

	cluster.Fail("/serverless.router.v1.RouterService/Invoke", status.Error(codes.Unavailable, "busy"))
	before := len(cluster.Calls())
	router := routerv1.NewRouterServiceClient(cluster.Backends.Router.Conn)
	if _, err := router.Invoke(t.Context(), &routerv1.InvokeRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("err = %v", err)
	}
	if calls := len(cluster.Calls()) - before; calls != 1 {
		t.Errorf("Invoke was tried %d times", calls)
	}
}

func TestAttemptKnowsWhetherTheCallWasSent(t *testing.T) {
	cluster := backendtest.Start(t)
	router := routerv1.NewRouterServiceClient(cluster.Backends.Router.Conn)

	ctx, attempt := backend.WithAttempt(t.Context())
	if _, err := router.Invoke(ctx, &routerv1.InvokeRequest{}); err != nil || !attempt.Sent() {
		t.Errorf("err = %v, sent = %v", err, attempt.Sent())
	}

	cluster.Services["router"].Stop()
	for range 2 { // the first call may still meet the dying connection
		ctx, attempt = backend.WithAttempt(t.Context())
		if _, err := router.Invoke(ctx, &routerv1.InvokeRequest{}); err == nil {
			t.Error("a stopped service answered")
		}
	}
	if attempt.Sent() {
		t.Error("a call without a connection counts as sent")
	}
}

func TestEtagReachesRequestsThatHaveOne(t *testing.T) {
	cluster := backendtest.Start(t)
	registry := registryv1.NewRegistryServiceClient(cluster.Backends.Registry.Conn)
	ctx := backend.WithEtag(t.Context(), "e7")
	if _, err := registry.DeleteFunction(ctx, &registryv1.DeleteFunctionRequest{Id: "hello"}); err != nil {
		t.Fatal(err)
	}
	want := &registryv1.DeleteFunctionRequest{Id: "hello", Etag: "e7"}
	if got := cluster.LastCall(t).Request; !proto.Equal(got, want) {
		t.Errorf("request = %v", got)
	}
	if _, err := registry.GetFunction(ctx, &registryv1.GetFunctionRequest{Function: "hello"}); err != nil {
		t.Fatal(err)
	}
}
