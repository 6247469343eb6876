package load

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

// GRPC invokes over a connection that callers share, as clients of gRPC do.
type GRPC struct {
	service  routerv1.RouterServiceClient
	function string
	event    Event
	numbers  Numbers
	check    CheckReceipt
}

// CheckReceipt judges a receipt without an error.
type CheckReceipt func(number []byte, receipt *routerv1.InvokeResponse) string

// Connection to a gRPC server.
type Connection struct{ client *grpc.ClientConn }

// An event and a result of 6 MiB each, and what is around them.
const messageLimit = 16 << 20

// DialGRPC takes host:port, and connects at the first call.
func DialGRPC(address string) (*Connection, error) {
	client, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)))
	if err != nil {
		return nil, err
	}
	return &Connection{client}, nil
}

// Close ends the connection.
func (c *Connection) Close() { c.client.Close() }

// NewGRPC is one caller.
func NewGRPC(connection *Connection, function string, event Event, caller int, check CheckReceipt) *GRPC {
	return &GRPC{routerv1.NewRouterServiceClient(connection.client), function, event.Clone(), NumbersOf(caller), check}
}

// Call invokes once.
func (g *GRPC) Call() string {
	number := g.event.Number()
	g.numbers.Stamp(number)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	receipt, err := g.service.Invoke(ctx, &routerv1.InvokeRequest{Function: g.function, Event: g.event.Text})
	if err != nil {
		return outcomeOf(err)
	}
	if failed := receipt.GetError(); failed != nil {
		return failed.GetCode()
	}
	return g.check(number, receipt)
}

// Close leaves the connection to the others.
func (g *GRPC) Close() {}

func outcomeOf(err error) string {
	found := status.Convert(err)
	for _, detail := range found.Details() {
		if typed, ok := detail.(*errorv1.Error); ok {
			return typed.GetCode()
		}
	}
	switch found.Code() {
	case codes.DeadlineExceeded:
		return Timeout
	case codes.Unavailable:
		time.Sleep(reconnectPause)
		return Disconnected
	}
	return found.Code().String()
}
