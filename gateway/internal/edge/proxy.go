package edge

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"serverless-orchestrator/gateway/internal/backend"
)

// proxy forwards calls to the owners of their services.
type proxy struct {
	options Options
	owners  map[string]*backend.Service
	codec   passthrough
}

// handle is the grpc.StreamHandler of every method that the server itself does
// not have. A unary call is a stream with one message each way.
func (p *proxy) handle(_ any, inbound grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(inbound)
	if !ok {
		return status.Error(codes.Internal, "the call has no method")
	}
	owner := p.owners[serviceOf(method)]
	if owner == nil {
		return status.Errorf(codes.Unimplemented, "unknown service %s", serviceOf(method))
	}
	ctx, cancel := p.outgoing(inbound.Context(), method)
	defer cancel()
	ctx, attempt := backend.WithAttempt(ctx)

	outbound, err := owner.Conn.NewStream(ctx,
		&grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, grpc.ForceCodecV2(p.codec))
	if err != nil {
		return publicError(err, owner.Name, method, attempt)
	}
	requestErr := make(chan error, 1)
	go func() {
		if err := forwardRequests(inbound, outbound); err != nil {
			requestErr <- err
			cancel() // the service would wait for the rest of the request
		}
	}()
	err = forwardAnswers(outbound, inbound)
	inbound.SetTrailer(outbound.Trailer())
	if err == nil {
		return nil
	}
	select {
	case cause := <-requestErr:
		return cause
	default:
		return publicError(err, owner.Name, method, attempt)
	}
}

// outgoing is the context of the forwarded call. Cancellation and the client's
// deadline flow through it by themselves.
func (p *proxy) outgoing(ctx context.Context, method string) (context.Context, context.CancelFunc) {
	inbound, _ := metadata.FromIncomingContext(ctx)
	outbound := forwardable(inbound)
	outbound.Set(backend.ClientKey, p.clientOf(ctx, inbound))
	ctx = metadata.NewOutgoingContext(ctx, outbound)
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, p.options.deadlineOf(method))
}

// clientOf is whose rate limit a call counts against.
func (p *proxy) clientOf(ctx context.Context, inbound metadata.MD) string {
	said := ""
	if values := inbound.Get(p.options.ClientHeader); p.options.ClientHeader != "" && len(values) > 0 {
		said = values[0]
	}
	address := ""
	if from, ok := peer.FromContext(ctx); ok {
		address = from.Addr.String()
	}
	return backend.ClientIdentity(said, address)
}

// forwardable drops what belongs to the inbound connection, and names that only
// the platform's own processes may use.
func forwardable(inbound metadata.MD) metadata.MD {
	outbound := metadata.MD{}
	for name, values := range inbound {
		switch {
		case strings.HasPrefix(name, ":"), strings.HasPrefix(name, "grpc-"), strings.HasPrefix(name, "x-so-"):
		case name == "content-type", name == "user-agent", name == "te":
		default:
			outbound[name] = values
		}
	}
	return outbound
}

// forwardRequests ends without an error when the client has sent everything, or
// when the service wants no more; why, it says in its answer.
func forwardRequests(from grpc.ServerStream, to grpc.ClientStream) error {
	for {
		message := &frame{}
		if err := from.RecvMsg(message); errors.Is(err, io.EOF) {
			return to.CloseSend()
		} else if err != nil {
			return err
		}
		if err := to.SendMsg(message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func forwardAnswers(from grpc.ClientStream, to grpc.ServerStream) error {
	header, err := from.Header()
	if err != nil {
		return err
	}
	if err := to.SetHeader(header); err != nil {
		return err
	}
	for {
		message := &frame{}
		if err := from.RecvMsg(message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := to.SendMsg(message); err != nil {
			return err
		}
	}
}
