package backend

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

type etagKey struct{}

// WithEtag returns a context whose calls carry the etag in their request, if
// the request has such a field. REST sends it in If-Match, which the generated
// handlers do not know.
func WithEtag(ctx context.Context, etag string) context.Context {
	return context.WithValue(ctx, etagKey{}, etag)
}

func etagInterceptor(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	if etag, ok := ctx.Value(etagKey{}).(string); ok {
		setEtag(request, etag)
	}
	return invoke(ctx, method, request, reply, conn, options...)
}

func setEtag(request any, etag string) {
	message, ok := request.(proto.Message)
	if !ok {
		return
	}
	reflected := message.ProtoReflect()
	if field := reflected.Descriptor().Fields().ByName("etag"); field != nil {
		reflected.Set(field, protoreflect.ValueOfString(etag))
	}
}
