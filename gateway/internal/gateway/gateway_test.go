package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	"serverless-orchestrator/gateway/internal/config"
)

// router answers when the test lets it.
type router struct {
	routerv1.UnimplementedRouterServiceServer
	entered chan struct{}
	release chan struct{}
}

func (r *router) Invoke(ctx context.Context, _ *routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
	r.entered <- struct{}{}
	select {
	case <-r.release:
		return &routerv1.InvokeResponse{StatusCode: 200, Body: []byte(`"done"`)}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func settings(t *testing.T) *configv1.GatewayConfig {
	t.Helper()
	loaded, err := config.Load([]string{"--http_address=127.0.0.1:0", "--grpc_address=127.0.0.1:0"}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// running is a gateway that serves, and a client that waits for an answer.
type running struct {
	router  *router
	stop    chan struct{}
	ended   chan error
	answers chan string // of the invocation in flight
	address string
}

func run(t *testing.T, drainTimeout time.Duration) *running {
	t.Helper()
	fake := &router{entered: make(chan struct{}), release: make(chan struct{})}
	listener := listen(t)
	server := grpc.NewServer()
	routerv1.RegisterRouterServiceServer(server, fake)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	config := settings(t)
	config.RouterAddress = listener.Addr().String()
	config.DrainTimeout = durationpb.New(drainTimeout)
	g, err := New(config, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{
		router: fake, stop: make(chan struct{}), ended: make(chan error, 1), answers: make(chan string, 1),
		address: "http://" + g.HTTPAddress().String(),
	}
	go func() { r.ended <- g.Run(r.stop) }()
	go func() { r.answers <- post(r.address + "/functions/hello/invoke") }()
	<-fake.entered
	return r
}

func post(url string) string {
	answer, err := http.Post(url, "application/json", strings.NewReader("{}")) //nolint:gosec,noctx // a test's own server
	if err != nil {
		return "error: " + err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "error: " + err.Error()
	}
	return answer.Status + " " + string(body)
}

func TestDrainFinishesWhatIsInFlight(t *testing.T) {
	r := run(t, time.Minute)
	r.stop <- struct{}{}
	// No new connection is taken; when exactly that begins is not announced.
	for {
		connection, err := net.Dial("tcp", strings.TrimPrefix(r.address, "http://"))
		if err != nil {
			break
		}
		_ = connection.Close()
	}
	close(r.router.release)
	if got := <-r.answers; !strings.HasPrefix(got, "200 OK") || !strings.Contains(got, `"body":"done"`) {
		t.Errorf("answer = %s", got)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestDrainEndsAtItsTimeout(t *testing.T) {
	r := run(t, 0)
	r.stop <- struct{}{}
	if err := <-r.ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := <-r.answers; !strings.HasPrefix(got, "error:") {
		t.Errorf("answer = %s", got)
	}
}

func TestASecondSignalHurries(t *testing.T) {
	r := run(t, time.Hour)
	r.stop <- struct{}{}
	r.stop <- struct{}{}
	if err := <-r.ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	<-r.answers
}

func TestATakenPortIsAnError(t *testing.T) {
	taken := listen(t)
	defer func() { _ = taken.Close() }()
	for _, set := range []func(*configv1.GatewayConfig){
		func(c *configv1.GatewayConfig) { c.HttpAddress = taken.Addr().String() },
		func(c *configv1.GatewayConfig) { c.GrpcAddress = taken.Addr().String() },
	} {
		config := settings(t)
		set(config)
		_, err := New(config, slog.New(slog.DiscardHandler), "test")
		var system *os.SyscallError
		if !errors.As(err, &system) || !strings.Contains(err.Error(), "_address: ") {
			t.Errorf("err = %v", err)
		}
	}
}
