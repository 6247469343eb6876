package backend_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/anypb"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
	"serverless-orchestrator/gateway/internal/backend"
)

// fakeRouter answers "echo" with the event, "large" by Collect, "refuse" with a
// typed error, and leaves "wait" unanswered; where a call came in, it says as
// the function's name.
type fakeRouter struct {
	routerv1.UnimplementedRouterServiceServer
	routerv1.UnimplementedRouterGatewayServiceServer

	waiting   chan uint64
	cancelled chan uint64

	mu      sync.Mutex
	streams []context.CancelFunc
}

func (f *fakeRouter) Invoke(_ context.Context, request *routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
	return &routerv1.InvokeResponse{Body: request.GetEvent(), FunctionName: "unary"}, nil
}

func (f *fakeRouter) Collect(context.Context, *routerv1.CollectRequest) (*routerv1.CollectResponse, error) {
	return &routerv1.CollectResponse{Receipt: &routerv1.InvokeResponse{FunctionName: "collected"}}, nil
}

func (f *fakeRouter) Attach(stream grpc.BidiStreamingServer[routerv1.AttachRequest, routerv1.AttachResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	f.mu.Lock()
	f.streams = append(f.streams, cancel)
	f.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- f.serve(stream) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return status.Error(codes.Unavailable, "ended by the test")
	}
}

func (f *fakeRouter) serve(stream grpc.BidiStreamingServer[routerv1.AttachRequest, routerv1.AttachResponse]) error {
	if err := stream.Send(&routerv1.AttachResponse{Outcome: &routerv1.AttachResponse_Hello{Hello: &routerv1.Hello{}}}); err != nil {
		return err
	}
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) || err != nil {
			return err
		}
		if request.GetCancel() != nil {
			f.cancelled <- request.GetCallId()
			continue
		}
		response := &routerv1.AttachResponse{CallId: request.GetCallId()}
		switch invocation := request.GetCall().GetRequest(); invocation.GetFunction() {
		case "wait":
			f.waiting <- request.GetCallId()
			continue
		case "large":
			response.Outcome = &routerv1.AttachResponse_Large{Large: 7}
		case "refuse":
			detail, _ := anypb.New(&errorv1.Error{Code: "QUEUE_FULL"})
			response.Outcome = &routerv1.AttachResponse_Status{Status: &errorv1.StatusEnvelope{
				Code: int32(codes.ResourceExhausted), Message: "full", Details: []*anypb.Any{detail},
			}}
		default:
			response.Outcome = &routerv1.AttachResponse_Receipt{Receipt: &routerv1.InvokeResponse{
				Body: invocation.GetEvent(), FunctionName: "stream",
				RequestId: request.GetCall().GetClient(),
			}}
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

// endStreams ends what is open, as a router that dies does.
func (f *fakeRouter) endStreams() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, end := range f.streams {
		end()
	}
	f.streams = nil
}

func startRouter(t *testing.T) (*fakeRouter, *backend.Router) {
	t.Helper()
	fake := &fakeRouter{waiting: make(chan uint64, 10), cancelled: make(chan uint64, 10)}
	server := grpc.NewServer()
	routerv1.RegisterRouterServiceServer(server, fake)
	routerv1.RegisterRouterGatewayServiceServer(server, fake)
	listener := bufconn.Listen(1 << 20)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///router",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	router := backend.NewRouter(conn)
	untilOnStream(t, router)
	return fake, router
}

// untilOnStream calls until a call goes over the stream, which is opened in the
// background.
func untilOnStream(t *testing.T, router *backend.Router) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		receipt, err := router.Invoke(t.Context(), &routerv1.InvokeRequest{Function: "echo"})
		if err != nil {
			t.Fatal(err)
		}
		if receipt.GetFunctionName() == "stream" {
			return
		}
	}
	t.Fatal("no call went over the stream")
}

func TestRouterAnswersOverTheStream(t *testing.T) {
	_, router := startRouter(t)
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			event := []byte(strings.Repeat("x", n))
			receipt, err := router.Invoke(t.Context(), &routerv1.InvokeRequest{Function: "echo", Event: event})
			if err != nil || string(receipt.GetBody()) != string(event) || receipt.GetFunctionName() != "stream" {
				t.Errorf("call %d: %v, %v", n, receipt, err)
			}
		})
	}
	all.Wait()
}

func TestRouterSaysWhoCalls(t *testing.T) {
	_, router := startRouter(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), backend.ClientKey, "ip:192.0.2.1")
	receipt, err := router.Invoke(ctx, &routerv1.InvokeRequest{Function: "echo"})
	if err != nil || receipt.GetRequestId() != "ip:192.0.2.1" {
		t.Errorf("client = %q, %v", receipt.GetRequestId(), err)
	}
}

func TestRouterTellsErrorsAsACallOfItsOwnWould(t *testing.T) {
	_, router := startRouter(t)
	_, err := router.Invoke(t.Context(), &routerv1.InvokeRequest{Function: "refuse"})
	st := status.Convert(err)
	if st.Code() != codes.ResourceExhausted || st.Message() != "full" || len(st.Details()) != 1 {
		t.Fatalf("err = %v, details = %v", err, st.Details())
	}
	if detail, ok := st.Details()[0].(*errorv1.Error); !ok || detail.GetCode() != "QUEUE_FULL" {
		t.Errorf("detail = %v", st.Details()[0])
	}
}

func TestRouterKeepsLargeMessagesOffTheStream(t *testing.T) {
	_, router := startRouter(t)
	receipt, err := router.Invoke(t.Context(), &routerv1.InvokeRequest{Function: "echo", Event: make([]byte, 1<<20)})
	if err != nil || receipt.GetFunctionName() != "unary" || len(receipt.GetBody()) != 1<<20 {
		t.Errorf("a large event: %v bytes, %v", len(receipt.GetBody()), err)
	}
	receipt, err = router.Invoke(t.Context(), &routerv1.InvokeRequest{Function: "large"})
	if err != nil || receipt.GetFunctionName() != "collected" {
		t.Errorf("a large receipt: %v, %v", receipt, err)
	}
}

func TestRouterIsToldWhenAClientGivesUp(t *testing.T) {
	fake, router := startRouter(t)
	ctx, giveUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := router.Invoke(ctx, &routerv1.InvokeRequest{Function: "wait"})
		ended <- err
	}()
	id := <-fake.waiting
	giveUp()
	if err := <-ended; status.Code(err) != codes.Canceled {
		t.Errorf("err = %v", err)
	}
	if got := <-fake.cancelled; got != id {
		t.Errorf("cancelled %d, want %d", got, id)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := router.Invoke(ctx, &routerv1.InvokeRequest{Function: "wait"}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("err = %v", err)
	}
}

func TestALostStreamEndsItsCallsAndIsOpenedAgain(t *testing.T) {
	fake, router := startRouter(t)
	ended := make(chan error, 1)
	ctx, attempt := backend.WithAttempt(t.Context())
	go func() {
		_, err := router.Invoke(ctx, &routerv1.InvokeRequest{Function: "wait"})
		ended <- err
	}()
	<-fake.waiting
	fake.endStreams()
	if err := <-ended; status.Code(err) != codes.Unavailable || !attempt.Sent() {
		t.Errorf("err = %v, sent = %v", err, attempt.Sent())
	}
	untilOnStream(t, router)
}
