// Package backendtest runs the services behind the gateway in memory, as fakes
// whose answers a test sets.
package backendtest

import (
	"context"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	scalerv1 "serverless-orchestrator/gateway/gen/serverless/scaler/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

// Handler answers one call of any method.
type Handler func(ctx context.Context, request proto.Message) (proto.Message, error)

// StreamHandler answers one call of a method that streams its answer.
type StreamHandler func(ctx context.Context, request proto.Message, send func(proto.Message) error) error

// Call is a request that reached a fake.
type Call struct {
	Method   string
	Request  proto.Message
	Metadata metadata.MD
}

// Cluster is the four services. The zero behaviour of every method is an empty
// answer.
type Cluster struct {
	Backends *backend.Set
	Services map[string]*Fake

	mu       sync.Mutex
	handlers map[string]Handler
	streams  map[string]StreamHandler
	calls    []Call
}

// Fake is one service process.
type Fake struct {
	Health *health.Server
	server *grpc.Server
}

// Stop ends the service as a crash would.
func (f *Fake) Stop() { f.server.Stop() }

// Start runs the services until the test ends.
func Start(t testing.TB) *Cluster {
	t.Helper()
	cluster := &Cluster{Services: map[string]*Fake{}, handlers: map[string]Handler{}, streams: map[string]StreamHandler{}}
	listeners := map[string]*bufconn.Listener{}
	for name, descs := range map[string][]*grpc.ServiceDesc{
		"registry": {&registryv1.RegistryService_ServiceDesc, &registryv1.RegistryFeedService_ServiceDesc},
		"pool":     {&poolv1.PoolService_ServiceDesc, &poolv1.PoolNodeService_ServiceDesc},
		"router":   {&routerv1.RouterService_ServiceDesc},
		"scaler":   {&scalerv1.ScalerService_ServiceDesc},
	} {
		listeners[name] = bufconn.Listen(1 << 20)
		cluster.Services[name] = cluster.serve(t, listeners[name], descs)
	}
	backends, err := backend.Dial(&configv1.GatewayConfig{
		RegistryAddress: "registry", PoolAddress: "pool", RouterAddress: "router", ScalerAddress: "scaler",
	}, grpc.WithContextDialer(func(ctx context.Context, name string) (net.Conn, error) {
		return listeners[name].DialContext(ctx)
	}))
	if err != nil {
		t.Fatal(err)
	}
	cluster.Backends = backends
	t.Cleanup(func() { _ = backends.Close() })
	return cluster
}

func (c *Cluster) serve(t testing.TB, listener net.Listener, descs []*grpc.ServiceDesc) *Fake {
	fake := &Fake{
		Health: health.NewServer(),
		server: grpc.NewServer(grpc.MaxRecvMsgSize(backend.RegistryMessageLimit)),
	}
	healthpb.RegisterHealthServer(fake.server, fake.Health)
	for _, desc := range descs {
		fake.server.RegisterService(c.scripted(desc), nil)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = fake.server.Serve(listener)
	}()
	t.Cleanup(func() {
		fake.server.Stop()
		<-done
	})
	return fake
}

// scripted is the service with its methods answered by Handlers; those that
// take a stream are missing.
func (c *Cluster) scripted(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
	scripted := &grpc.ServiceDesc{ServiceName: desc.ServiceName, HandlerType: (*any)(nil), Metadata: desc.Metadata}
	for _, method := range desc.Methods {
		full := "/" + desc.ServiceName + "/" + method.MethodName
		types := typesOf(full)
		scripted.Methods = append(scripted.Methods, grpc.MethodDesc{
			MethodName: method.MethodName,
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				request := types.request.New().Interface()
				if err := decode(request); err != nil {
					return nil, err
				}
				return c.answer(ctx, full, request, types.response.New().Interface())
			},
		})
	}
	for _, stream := range desc.Streams {
		if stream.ClientStreams {
			continue
		}
		full := "/" + desc.ServiceName + "/" + stream.StreamName
		types := typesOf(full)
		scripted.Streams = append(scripted.Streams, grpc.StreamDesc{
			StreamName: stream.StreamName, ServerStreams: true,
			Handler: func(_ any, inbound grpc.ServerStream) error {
				request := types.request.New().Interface()
				if err := inbound.RecvMsg(request); err != nil {
					return err
				}
				return c.answerStream(inbound, full, request)
			},
		})
	}
	return scripted
}

func (c *Cluster) answerStream(inbound grpc.ServerStream, method string, request proto.Message) error {
	c.note(inbound.Context(), method, request)
	c.mu.Lock()
	handler := c.streams[method]
	c.mu.Unlock()
	if handler == nil {
		return nil
	}
	return handler(inbound.Context(), request, func(answer proto.Message) error { return inbound.SendMsg(answer) })
}

func (c *Cluster) note(ctx context.Context, method string, request proto.Message) {
	md, _ := metadata.FromIncomingContext(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, Call{Method: method, Request: request, Metadata: md})
}

func (c *Cluster) answer(ctx context.Context, method string, request, empty proto.Message) (proto.Message, error) {
	c.note(ctx, method, request)
	c.mu.Lock()
	handler := c.handlers[method]
	c.mu.Unlock()
	if handler == nil {
		return empty, nil
	}
	answer, err := handler(ctx, request)
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, status.Errorf(codes.Internal, "the fake of %s has no answer", method)
	}
	return answer, nil
}

// On sets how a method answers, by its full name
// ("/serverless.router.v1.RouterService/Invoke").
func (c *Cluster) On(method string, handler Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers[method] = handler
}

// OnStream sets how a method that streams its answer does it.
func (c *Cluster) OnStream(method string, handler StreamHandler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams[method] = handler
}

// Answer makes a method return a message.
func (c *Cluster) Answer(method string, answer proto.Message) {
	c.On(method, func(context.Context, proto.Message) (proto.Message, error) { return answer, nil })
}

// Fail makes a method return an error.
func (c *Cluster) Fail(method string, err error) {
	c.On(method, func(context.Context, proto.Message) (proto.Message, error) { return nil, err })
}

// Calls lists what reached the fakes so far.
func (c *Cluster) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Call(nil), c.calls...)
}

// LastCall is the latest call, which has to exist.
func (c *Cluster) LastCall(t testing.TB) Call {
	t.Helper()
	calls := c.Calls()
	if len(calls) == 0 {
		t.Fatal("no call reached a service")
	}
	return calls[len(calls)-1]
}
