// Package gateway runs the REST and the gRPC endpoint as one process: opening
// them, and closing them without losing a request.
package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
	"serverless-orchestrator/gateway/internal/backend"
	"serverless-orchestrator/gateway/internal/edge"
	"serverless-orchestrator/gateway/internal/rest"
)

// hurriedDrain is what is left of the drain once a second signal has come.
const hurriedDrain = time.Second

// Gateway is the process: its endpoints are open from New to the end of Run.
type Gateway struct {
	config       *configv1.GatewayConfig
	log          *slog.Logger
	backends     *backend.Set
	handler      *rest.Handler
	http         *http.Server
	httpListener net.Listener
	edge         *edge.Server
	edgeListener net.Listener
}

// New opens both addresses, so that a port that is taken is found before
// anything else happens.
func New(config *configv1.GatewayConfig, log *slog.Logger, version string) (*Gateway, error) {
	backends, err := backend.Dial(config)
	if err != nil {
		return nil, err
	}
	g := &Gateway{config: config, log: log, backends: backends}
	if err := g.open(version); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

func (g *Gateway) open(version string) error {
	callTimeout := g.config.GetCallTimeout().AsDuration()
	invokeTimeout := g.config.GetInvokeTimeout().AsDuration()
	handler, err := rest.NewHandler(rest.Options{
		Backends: g.backends, Log: g.log, Version: version,
		CallTimeout: callTimeout, InvokeTimeout: invokeTimeout,
		ClientHeader: g.config.GetClientIdHeader(),
	})
	if err != nil {
		return err
	}
	g.handler = handler
	g.http = newHTTPServer(handler, invokeTimeout, g.log)
	g.edge = edge.NewServer(edge.Options{
		Backends: g.backends, Log: g.log,
		CallTimeout: callTimeout, InvokeTimeout: invokeTimeout,
		ClientHeader: g.config.GetClientIdHeader(),
	})
	if g.httpListener, err = net.Listen("tcp", g.config.GetHttpAddress()); err != nil {
		return fmt.Errorf("http_address: %w", err)
	}
	if g.edgeListener, err = net.Listen("tcp", g.config.GetGrpcAddress()); err != nil {
		return fmt.Errorf("grpc_address: %w", err)
	}
	return nil
}

func (g *Gateway) close() error {
	errs := []error{g.backends.Close()}
	for _, listener := range []net.Listener{g.httpListener, g.edgeListener} {
		if listener == nil {
			continue
		}
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// HTTPAddress is where REST is served.
func (g *Gateway) HTTPAddress() net.Addr { return g.httpListener.Addr() }

// GRPCAddress is where gRPC is served.
func (g *Gateway) GRPCAddress() net.Addr { return g.edgeListener.Addr() }

// Run serves until `stop` delivers something, then drains: readiness fails, no
// new connections are taken, and what is in flight gets drain_timeout to end,
// which a second delivery shortens to a second.
func (g *Gateway) Run(stop <-chan struct{}) error {
	failed := make(chan error, 2)
	go func() { failed <- g.serveHTTP() }()
	go func() { failed <- g.edge.Serve(g.edgeListener) }()
	g.log.Info("serving", "http", g.HTTPAddress().String(), "grpc", g.GRPCAddress().String())

	var err error
	running := 2
	select {
	case err = <-failed:
		running--
	case <-stop:
	}
	g.drain(stop)
	for range running {
		err = errors.Join(err, <-failed)
	}
	return errors.Join(err, g.close())
}

func (g *Gateway) serveHTTP() error {
	if err := g.http.Serve(g.httpListener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("HTTP on %v: %w", g.HTTPAddress(), err)
	}
	return nil
}
