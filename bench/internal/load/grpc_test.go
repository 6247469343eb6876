package load

import (
	"context"
	"fmt"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

// router answers as its function says.
type router struct {
	routerv1.UnimplementedRouterServiceServer
	answer func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error)
}

func (r router) Invoke(_ context.Context, request *routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
	return r.answer(request)
}

// invokeOnce returns the outcome of a call of a router that answers so.
func invokeOnce(t *testing.T, event Event, answer func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(messageLimit))
	routerv1.RegisterRouterServiceServer(server, router{answer: answer})
	go server.Serve(listener)
	defer server.Stop()
	connection, err := DialGRPC(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	check := func(number []byte, receipt *routerv1.InvokeResponse) string {
		if string(receipt.GetBody()) != string(number) {
			return Wrong
		}
		return OK
	}
	caller := NewGRPC(connection, "echo", event, 7, check)
	defer caller.Close()
	return caller.Call()
}

func TestOutcomesOverGRPC(t *testing.T) {
	full, err := status.New(codes.ResourceExhausted, "full").WithDetails(&errorv1.Error{Code: "QUEUE_FULL"})
	if err != nil {
		t.Fatal(err)
	}
	for want, answer := range map[string]func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error){
		Wrong: func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
			return &routerv1.InvokeResponse{}, nil
		},
		"QUEUE_FULL": func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) { return nil, full.Err() },
		"FUNCTION_ERROR": func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
			return &routerv1.InvokeResponse{Error: &errorv1.Error{Code: "FUNCTION_ERROR"}}, nil
		},
		Disconnected: func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
			return nil, status.Error(codes.Unavailable, "")
		},
		Timeout: func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
			return nil, status.Error(codes.DeadlineExceeded, "")
		},
		"Internal": func(*routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
			return nil, status.Error(codes.Internal, "")
		},
	} {
		event, _ := NewEvent(64)
		if got := invokeOnce(t, event, answer); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestGRPCSendsTheEventWithItsNumber(t *testing.T) {
	for _, size := range []int{64, 5 << 20} {
		event, err := NewEvent(size)
		if err != nil {
			t.Fatal(err)
		}
		got := invokeOnce(t, event, func(request *routerv1.InvokeRequest) (*routerv1.InvokeResponse, error) {
			if request.GetFunction() != "echo" || len(request.GetEvent()) != size {
				return nil, fmt.Errorf("%s was called with %d bytes", request.GetFunction(), len(request.GetEvent()))
			}
			return &routerv1.InvokeResponse{Body: request.GetEvent()[event.NumberAt : event.NumberAt+NumberWidth]}, nil
		})
		if got != OK {
			t.Errorf("%d bytes: %s", size, got)
		}
	}
}
