package backend

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

const (
	// smallEvent is what may travel with others on one stream, in bytes.
	smallEvent = 64 << 10
	// reattachAfter is the pause between two attempts to open the stream.
	reattachAfter = 200 * time.Millisecond
)

// Router is the router's client. Small invocations share one stream
// (RouterGatewayService), which costs both ends less than half of what calls of
// their own do. Everything else, and every invocation while there is no stream,
// is a call of its own. Safe for concurrent use.
type Router struct {
	routerv1.RouterServiceClient
	gateway routerv1.RouterGatewayServiceClient

	mu      sync.Mutex
	stream  *attachment // nil while there is none
	retryAt time.Time
	opening bool
}

// NewRouter returns a client; the stream is opened when it is first wanted.
func NewRouter(conn *grpc.ClientConn) *Router {
	return &Router{
		RouterServiceClient: routerv1.NewRouterServiceClient(conn),
		gateway:             routerv1.NewRouterGatewayServiceClient(conn),
	}
}

// Invoke runs a function; errors are those of RouterService.Invoke.
func (r *Router) Invoke(ctx context.Context, request *routerv1.InvokeRequest, options ...grpc.CallOption) (*routerv1.InvokeResponse, error) {
	if len(request.GetEvent()) <= smallEvent {
		if stream := r.current(); stream != nil {
			return r.invokeOn(ctx, stream, request)
		}
	}
	return r.RouterServiceClient.Invoke(ctx, request, options...)
}

// current is the open stream. Without one it is opened in the background: a call
// never waits for it.
func (r *Router) current() *attachment {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil && r.stream.ended() {
		r.stream = nil
	}
	if r.stream == nil && !r.opening && time.Now().After(r.retryAt) {
		r.opening = true
		go r.open()
	}
	return r.stream
}

func (r *Router) open() {
	stream, err := attach(r.gateway)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opening = false
	r.retryAt = time.Now().Add(reattachAfter)
	if err == nil {
		r.stream = stream
	}
}

func (r *Router) invokeOn(ctx context.Context, stream *attachment, request *routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
	response, err := stream.invoke(ctx, request)
	if err != nil {
		return nil, err
	}
	switch outcome := response.GetOutcome().(type) {
	case *routerv1.AttachResponse_Receipt:
		return outcome.Receipt, nil
	case *routerv1.AttachResponse_Status:
		return nil, statusOf(outcome.Status).Err()
	case *routerv1.AttachResponse_Large:
		collected, err := r.gateway.Collect(ctx, &routerv1.CollectRequest{Key: outcome.Large})
		return collected.GetReceipt(), err
	default:
		return nil, status.Error(codes.Internal, "the router answered nothing")
	}
}

// statusOf reads what has the fields of google.rpc.Status by another name.
func statusOf(envelope *errorv1.StatusEnvelope) *status.Status {
	return status.FromProto(&spb.Status{
		Code: envelope.GetCode(), Message: envelope.GetMessage(), Details: envelope.GetDetails(),
	})
}

// attachment is one stream to the router and the calls that are open on it.
type attachment struct {
	client grpc.BidiStreamingClient[routerv1.AttachRequest, routerv1.AttachResponse]
	cancel context.CancelFunc

	// sending is held while a message is sent: gRPC wants one at a time.
	sending sync.Mutex

	mu    sync.Mutex
	last  uint64
	calls map[uint64]chan *routerv1.AttachResponse // nil once the stream has ended
}

func attach(gateway routerv1.RouterGatewayServiceClient) (*attachment, error) {
	ctx, cancel := context.WithCancel(context.Background())
	client, err := gateway.Attach(ctx)
	if err == nil {
		_, err = client.Recv() // a router that greets, and not one of before
	}
	if err != nil {
		cancel()
		return nil, err
	}
	a := &attachment{client: client, cancel: cancel, calls: map[uint64]chan *routerv1.AttachResponse{}}
	go a.receive()
	return a, nil
}

func (a *attachment) ended() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls == nil
}

// receive hands out answers until the stream ends.
func (a *attachment) receive() {
	defer a.cancel()
	for {
		response, err := a.client.Recv()
		if err != nil {
			break
		}
		if answered := a.take(response.GetCallId()); answered != nil {
			answered <- response
		}
	}
	a.mu.Lock()
	calls := a.calls
	a.calls = nil
	a.mu.Unlock()
	for _, lost := range calls {
		close(lost)
	}
}

func (a *attachment) take(id uint64) chan *routerv1.AttachResponse {
	a.mu.Lock()
	defer a.mu.Unlock()
	answered := a.calls[id]
	delete(a.calls, id)
	return answered
}

// add registers a call; nil when the stream has ended.
func (a *attachment) add() (uint64, chan *routerv1.AttachResponse) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls == nil {
		return 0, nil
	}
	a.last++
	answered := make(chan *routerv1.AttachResponse, 1)
	a.calls[a.last] = answered
	return a.last, answered
}

var errLost = status.Error(codes.Unavailable, "the connection to the router was lost")

// invoke sends one call and waits for its outcome, as long as ctx does.
func (a *attachment) invoke(ctx context.Context, request *routerv1.InvokeRequest) (*routerv1.AttachResponse, error) {
	id, answered := a.add()
	if answered == nil {
		return nil, errLost
	}
	call := &routerv1.Call{Request: request}
	if outgoing, ok := metadata.FromOutgoingContext(ctx); ok {
		call.Client = strings.Join(outgoing.Get(ClientKey), "")
	}
	if deadline, ok := ctx.Deadline(); ok {
		call.Timeout = max(1, time.Until(deadline).Milliseconds())
	}
	markSent(ctx)
	if err := a.send(&routerv1.AttachRequest{CallId: id, Message: &routerv1.AttachRequest_Call{Call: call}}); err != nil {
		a.take(id)
		return nil, errLost
	}
	select {
	case response, ok := <-answered:
		if !ok {
			return nil, errLost
		}
		return response, nil
	case <-ctx.Done():
		if a.take(id) != nil {
			_ = a.send(&routerv1.AttachRequest{CallId: id, Message: &routerv1.AttachRequest_Cancel{Cancel: &routerv1.Cancel{}}})
		}
		return nil, contextError(ctx)
	}
}

func (a *attachment) send(request *routerv1.AttachRequest) error {
	a.sending.Lock()
	defer a.sending.Unlock()
	return a.client.Send(request)
}

// contextError is what gRPC makes of a context that is over.
func contextError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return status.Error(codes.DeadlineExceeded, ctx.Err().Error())
	}
	return status.Error(codes.Canceled, ctx.Err().Error())
}
