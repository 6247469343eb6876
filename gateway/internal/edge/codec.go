package edge

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that is wrapped
	"google.golang.org/grpc/mem"
)

// frame is a message that passes through undecoded.
type frame struct {
	bytes []byte
}

// passthrough is the proto codec, except that frames stay bytes. Health and
// reflection on the same server keep using real messages.
type passthrough struct {
	encoding.CodecV2
}

func newCodec() passthrough { return passthrough{encoding.GetCodecV2("proto")} }

func (c passthrough) Marshal(message any) (mem.BufferSlice, error) {
	if f, ok := message.(*frame); ok {
		return mem.BufferSlice{mem.SliceBuffer(f.bytes)}, nil
	}
	return c.CodecV2.Marshal(message)
}

func (c passthrough) Unmarshal(data mem.BufferSlice, message any) error {
	if f, ok := message.(*frame); ok {
		f.bytes = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, message)
}
