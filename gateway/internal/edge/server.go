package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	"serverless-orchestrator/gateway/internal/backend"
)

// Options is what a Server needs.
type Options struct {
	Backends *backend.Set
	Log      *slog.Logger
	// CallTimeout is the deadline of calls without one, but for invoke and warm,
	// which get InvokeTimeout, and those that build code.
	CallTimeout, InvokeTimeout time.Duration
	// ClientHeader is the metadata that tells clients apart; empty: their
	// addresses do.
	ClientHeader string
}

// Server is the gRPC endpoint.
type Server struct {
	grpc   *grpc.Server
	health *aggregate
}

// NewServer makes the endpoint; Serve opens it.
func NewServer(options Options) *Server {
	codec := newCodec()
	forward := &proxy{options: options, owners: owners(options.Backends), codec: codec}
	s := &Server{
		health: &aggregate{backends: options.Backends, server: health.NewServer()},
		grpc: grpc.NewServer(
			grpc.UnknownServiceHandler(forward.handle),
			grpc.ForceServerCodecV2(codec),
			// The largest of all services; the connections to the others refuse more
			// than those take.
			grpc.MaxRecvMsgSize(backend.RegistryMessageLimit),
			grpc.MaxSendMsgSize(backend.RegistryMessageLimit),
			grpc.MaxConcurrentStreams(250),
			grpc.MaxHeaderListSize(16<<10),
			grpc.ConnectionTimeout(5*time.Second),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
				MinTime: 10 * time.Second, PermitWithoutStream: true,
			}),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: 20 * time.Second, Timeout: 5 * time.Second}),
			grpc.ChainStreamInterceptor(observe(options.Log)),
		),
	}
	// Nothing has been asked yet.
	s.health.server.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(s.grpc, s.health.server)
	reflected := reflection.ServerOptions{Services: listing{}}
	reflectionv1.RegisterServerReflectionServer(s.grpc, reflection.NewServerV1(reflected))
	reflectionv1alpha.RegisterServerReflectionServer(s.grpc, reflection.NewServer(reflected))
	return s
}

// Serve answers on the listener until Stop.
func (s *Server) Serve(listener net.Listener) error {
	ctx, cancel := context.WithCancel(context.Background())
	var refreshing sync.WaitGroup
	refreshing.Go(func() { s.health.run(ctx) })
	err := s.grpc.Serve(listener)
	cancel()
	refreshing.Wait()
	// Stopped before it began to serve: asked for, so no failure.
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("gRPC on %v: %w", listener.Addr(), err)
	}
	return nil
}

// Drain says NOT_SERVING to health checks; calls are still answered.
func (s *Server) Drain() { s.health.server.Shutdown() }

// Stop takes no new calls and waits for the running ones until the context
// ends, which cancels them.
func (s *Server) Stop(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
	}
}

// observe logs calls and turns a panic into INTERNAL.
func observe(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		start := time.Now()
		defer func() {
			if reason := recover(); reason != nil {
				log.Error("panic", "method", info.FullMethod, "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
				err = status.Error(codes.Internal, "internal error in the gateway")
			}
			log.Debug("call", "method", info.FullMethod, "code", status.Code(err).String(),
				"ms", float64(time.Since(start).Microseconds())/1000)
		}()
		return handler(server, stream)
	}
}
