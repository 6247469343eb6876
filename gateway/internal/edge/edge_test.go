package edge

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	functionv1 "serverless-orchestrator/gateway/gen/serverless/function/v1"
	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	scalerv1 "serverless-orchestrator/gateway/gen/serverless/scaler/v1"
	"serverless-orchestrator/gateway/internal/backend/backendtest"
)

type endpoint struct {
	*Server
	cluster *backendtest.Cluster
	client  *grpc.ClientConn
}

func start(t *testing.T) *endpoint {
	t.Helper()
	cluster := backendtest.Start(t)
	server := NewServer(Options{
		Backends: cluster.Backends, Log: slog.New(slog.DiscardHandler),
		CallTimeout: 10 * time.Second, InvokeTimeout: 100 * time.Second,
		ClientHeader: "X-Client-Id",
	})
	listener := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	client, err := grpc.NewClient("passthrough:///edge",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(100<<20), grpc.MaxCallSendMsgSize(100<<20)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		server.Stop(context.Background())
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &endpoint{server, cluster, client}
}

func TestPublicServicesAreForwarded(t *testing.T) {
	e := start(t)
	for method, call := range map[string]func(ctx context.Context) error{
		registryv1.RegistryService_GetFunction_FullMethodName: func(ctx context.Context) error {
			_, err := registryv1.NewRegistryServiceClient(e.client).GetFunction(ctx, &registryv1.GetFunctionRequest{Function: "f"})
			return err
		},
		poolv1.PoolService_Warm_FullMethodName: func(ctx context.Context) error {
			_, err := poolv1.NewPoolServiceClient(e.client).Warm(ctx, &poolv1.WarmRequest{Function: "f"})
			return err
		},
		routerv1.RouterService_Invoke_FullMethodName: func(ctx context.Context) error {
			_, err := routerv1.NewRouterServiceClient(e.client).Invoke(ctx, &routerv1.InvokeRequest{Function: "f"})
			return err
		},
		scalerv1.ScalerService_GetStatus_FullMethodName: func(ctx context.Context) error {
			_, err := scalerv1.NewScalerServiceClient(e.client).GetStatus(ctx, &scalerv1.GetStatusRequest{})
			return err
		},
	} {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		if got := e.cluster.LastCall(t).Method; got != method {
			t.Errorf("%s reached %s", method, got)
		}
	}
}

func TestMessagesMetadataAndTrailersPassUnchanged(t *testing.T) {
	e := start(t)
	e.cluster.On(routerv1.RouterService_Invoke_FullMethodName, func(ctx context.Context, request proto.Message) (proto.Message, error) {
		_ = grpc.SetHeader(ctx, metadata.Pairs("h", "1"))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("t", "2"))
		invoke, _ := request.(*routerv1.InvokeRequest)
		return &routerv1.InvokeResponse{Body: invoke.GetEvent()}, nil
	})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-1", "x-so-internal", "evil",
		"x-so-client", "id:bob", "x-client-id", "alice", "some-bin", "\x00\xff")
	event := make([]byte, 6<<20)
	event[1] = 7
	var header, trailer metadata.MD
	answer, err := routerv1.NewRouterServiceClient(e.client).Invoke(ctx,
		&routerv1.InvokeRequest{Event: event}, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(answer.GetBody(), event) || !slices.Equal(header.Get("h"), []string{"1"}) || !slices.Equal(trailer.Get("t"), []string{"2"}) {
		t.Errorf("%d bytes, header %v, trailer %v", len(answer.GetBody()), header, trailer)
	}
	got := e.cluster.LastCall(t).Metadata
	if !slices.Equal(got.Get("traceparent"), []string{"00-1"}) || !slices.Equal(got.Get("some-bin"), []string{"\x00\xff"}) {
		t.Errorf("metadata = %v", got)
	}
	if client := got.Get("x-so-client"); !slices.Equal(client, []string{"id:alice"}) {
		t.Errorf("client = %v", client)
	}
	if len(got.Get("x-so-internal")) != 0 {
		t.Error("a name of the platform's own came from a client")
	}
}

func TestClientWithoutTheHeaderIsItsAddress(t *testing.T) {
	e := start(t)
	if _, err := routerv1.NewRouterServiceClient(e.client).Invoke(t.Context(), &routerv1.InvokeRequest{}); err != nil {
		t.Fatal(err)
	}
	if client := e.cluster.LastCall(t).Metadata.Get("x-so-client"); !slices.Equal(client, []string{"ip:bufconn"}) {
		t.Errorf("client = %v", client)
	}
}

func TestStatusDetailsPassUnchanged(t *testing.T) {
	e := start(t)
	detail := &errorv1.Error{Code: "QUEUE_FULL", Message: "100 calls wait", Retryable: true, RetryAfter: 2}
	st, err := status.New(codes.ResourceExhausted, "100 calls wait").WithDetails(detail)
	if err != nil {
		t.Fatal(err)
	}
	e.cluster.Fail(routerv1.RouterService_Invoke_FullMethodName, st.Err())
	_, err = routerv1.NewRouterServiceClient(e.client).Invoke(t.Context(), &routerv1.InvokeRequest{})
	got := status.Convert(err)
	if got.Code() != codes.ResourceExhausted || got.Message() != "100 calls wait" || len(got.Details()) != 1 {
		t.Fatalf("status = %v %v", got, got.Details())
	}
	if typed, ok := got.Details()[0].(*errorv1.Error); !ok || !proto.Equal(typed, detail) {
		t.Errorf("detail = %v", got.Details()[0])
	}
}

func TestInternalServicesAreUnreachable(t *testing.T) {
	e := start(t)
	calls := map[string]error{}
	_, calls["resolve"] = registryv1.NewRegistryFeedServiceClient(e.client).ResolveFunction(t.Context(), &registryv1.ResolveFunctionRequest{Function: "f"})
	_, calls["code"] = registryv1.NewRegistryFeedServiceClient(e.client).GetCode(t.Context(), &registryv1.GetCodeRequest{})
	_, calls["target"] = poolv1.NewPoolNodeServiceClient(e.client).SetTarget(t.Context(), &poolv1.SetTargetRequest{})
	calls["odd"] = e.client.Invoke(t.Context(), "/serverless.pool.v1.PoolNodeService/../PoolService/Warm", &poolv1.WarmRequest{}, &poolv1.WarmResponse{})
	watch, err := registryv1.NewRegistryFeedServiceClient(e.client).Watch(t.Context(), &registryv1.WatchRequest{})
	if err == nil {
		_, err = watch.Recv()
	}
	calls["watch"] = err
	for name, err := range calls {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := e.cluster.Calls(); len(calls) != 0 {
		t.Errorf("calls = %v", calls)
	}
}

func TestUnreachableOwnerIsNamed(t *testing.T) {
	e := start(t)
	e.cluster.Services["router"].Stop()
	_, err := routerv1.NewRouterServiceClient(e.client).Invoke(t.Context(), &routerv1.InvokeRequest{})
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || st.Message() != "the router cannot be reached" || len(st.Details()) != 1 {
		t.Fatalf("err = %v", err)
	}
	if detail, ok := st.Details()[0].(*errorv1.Error); !ok || detail.GetCode() != "UNAVAILABLE" || detail.GetExecuted() != "no" {
		t.Errorf("detail = %v", st.Details()[0])
	}
}

func TestMessageLimits(t *testing.T) {
	e := start(t)
	archive := &registryv1.CreateFunctionRequest{Function: &functionv1.Function{Archive: make([]byte, 50<<20)}}
	if _, err := registryv1.NewRegistryServiceClient(e.client).CreateFunction(t.Context(), archive); err != nil {
		t.Errorf("an archive of 50 MiB: %v", err)
	}
	event := &routerv1.InvokeRequest{Event: make([]byte, 9<<20)}
	if _, err := routerv1.NewRouterServiceClient(e.client).Invoke(t.Context(), event); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("an event of 9 MiB: %v", err)
	}
	archive.Function.Archive = make([]byte, 81<<20)
	if _, err := registryv1.NewRegistryServiceClient(e.client).CreateFunction(t.Context(), archive); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("an archive of 81 MiB: %v", err)
	}
}

func TestDeadlines(t *testing.T) {
	e := start(t)
	var left time.Duration
	see := func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return &routerv1.InvokeResponse{}, nil
	}
	e.cluster.On(routerv1.RouterService_Invoke_FullMethodName, see)
	e.cluster.On(scalerv1.ScalerService_GetStatus_FullMethodName, func(ctx context.Context, m proto.Message) (proto.Message, error) {
		_, err := see(ctx, m)
		return &scalerv1.GetStatusResponse{}, err
	})
	invoke := func(ctx context.Context) {
		t.Helper()
		if _, err := routerv1.NewRouterServiceClient(e.client).Invoke(ctx, &routerv1.InvokeRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if invoke(t.Context()); left < 50*time.Second || left > 100*time.Second {
		t.Errorf("invoke without a deadline has %v", left)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if invoke(ctx); left > 40*time.Second || left < 20*time.Second {
		t.Errorf("a client's 40 s became %v", left)
	}
	if _, err := scalerv1.NewScalerServiceClient(e.client).GetStatus(t.Context(), &scalerv1.GetStatusRequest{}); err != nil {
		t.Fatal(err)
	}
	if left > 10*time.Second {
		t.Errorf("another call without a deadline has %v", left)
	}
}

func TestStreamedAnswersPassAsTheyCome(t *testing.T) {
	e := start(t)
	goOn := make(chan struct{})
	var left time.Duration
	part := func(data string) *routerv1.InvokeStreamingResponse {
		return &routerv1.InvokeStreamingResponse{Part: &routerv1.InvokeStreamingResponse_Data{Data: []byte(data)}}
	}
	e.cluster.OnStream(routerv1.RouterService_InvokeStreaming_FullMethodName,
		func(ctx context.Context, _ proto.Message, send func(proto.Message) error) error {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			if err := send(part("one")); err != nil {
				return err
			}
			<-goOn
			return send(part("two"))
		})
	stream, err := routerv1.NewRouterServiceClient(e.client).InvokeStreaming(t.Context(), &routerv1.InvokeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if message, err := stream.Recv(); err != nil || string(message.GetData()) != "one" {
		t.Fatalf("first part = %v, %v", message, err)
	}
	close(goOn)
	if message, err := stream.Recv(); err != nil || string(message.GetData()) != "two" {
		t.Fatalf("second part = %v, %v", message, err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("end = %v", err)
	}
	// That of a call that runs user code.
	if left < 50*time.Second || left > 100*time.Second {
		t.Errorf("without a deadline it has %v", left)
	}
}

func TestCancellationReachesTheService(t *testing.T) {
	e := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := make(chan struct{})
	e.cluster.On(routerv1.RouterService_Invoke_FullMethodName, func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		cancel()
		<-ctx.Done()
		close(cancelled)
		return nil, ctx.Err()
	})
	if _, err := routerv1.NewRouterServiceClient(e.client).Invoke(ctx, &routerv1.InvokeRequest{}); status.Code(err) != codes.Canceled {
		t.Errorf("err = %v", err)
	}
	<-cancelled
}

func TestHealth(t *testing.T) {
	e := start(t)
	client := healthpb.NewHealthClient(e.client)
	check := func(service string) string {
		answer, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			return status.Code(err).String()
		}
		return answer.GetStatus().String()
	}
	watch, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	// The first state may still be that from before the first look.
	for {
		answer, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if answer.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			break
		}
	}
	e.cluster.Services["pool"].Stop()
	e.health.refresh(t.Context())
	for service, want := range map[string]string{
		"":                                           "SERVING",
		"serverless.registry.v1.RegistryService":     "SERVING",
		"serverless.router.v1.RouterService":         "SERVING",
		"serverless.scaler.v1.ScalerService":         "SERVING",
		"serverless.pool.v1.PoolService":             "NOT_SERVING",
		"serverless.pool.v1.PoolNodeService":         "NotFound",
		"serverless.registry.v1.RegistryFeedService": "NotFound",
	} {
		if got := check(service); got != want {
			t.Errorf("%q is %s, want %s", service, got, want)
		}
	}
	e.cluster.Services["router"].Stop()
	e.health.refresh(t.Context())
	if answer, err := watch.Recv(); err != nil || answer.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("watch: %v %v", answer, err)
	}
	e.Drain()
	if got := check("serverless.scaler.v1.ScalerService"); got != "NOT_SERVING" {
		t.Errorf("draining: %s", got)
	}
}

func TestReflectionListsThePublicServices(t *testing.T) {
	e := start(t)
	want := []string{
		"grpc.health.v1.Health", "serverless.pool.v1.PoolService", "serverless.registry.v1.RegistryService",
		"serverless.router.v1.RouterService", "serverless.scaler.v1.ScalerService",
	}

	stream, err := reflectionv1.NewServerReflectionClient(e.client).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(request *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
		t.Helper()
		if err := stream.Send(request); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	var got []string
	list := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
	for _, service := range list.GetListServicesResponse().GetService() {
		got = append(got, service.GetName())
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("v1 lists %v", got)
	}
	for _, service := range want {
		file := ask(&reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service},
		})
		if len(file.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 {
			t.Errorf("%s is not described: %v", service, file)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != io.EOF { //nolint:errorlint // gRPC returns it as it is
		t.Errorf("the stream ended with %v", err)
	}

	alpha, err := reflectionv1alpha.NewServerReflectionClient(e.client).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := alpha.Send(&reflectionv1alpha.ServerReflectionRequest{
		MessageRequest: &reflectionv1alpha.ServerReflectionRequest_ListServices{},
	}); err != nil {
		t.Fatal(err)
	}
	answer, err := alpha.Recv()
	if err != nil || len(answer.GetListServicesResponse().GetService()) != len(want) {
		t.Errorf("v1alpha lists %v, %v", answer, err)
	}
	if err := alpha.CloseSend(); err != nil {
		t.Fatal(err)
	}
}
