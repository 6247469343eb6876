// Package launcher speaks so-launcher's protocol, to measure it without a pool.
package launcher

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// The messages of sandbox/protocol/messages.h, field by field; a test compares
// the layouts.

type messageType uint32

const (
	typePark           messageType = 1
	typeActivate       messageType = 2
	typeKill           messageType = 3
	typeHello          messageType = 16
	typeRuntimeState   messageType = 17
	typeParked         messageType = 18
	typeParkFailed     messageType = 19
	typeActivated      messageType = 20
	typeActivateFailed messageType = 21
	typeExited         messageType = 22
)

const protocolVersion = 1

type (
	name [32]byte
	path [512]byte
	text [256]byte
)

type parkRequest struct {
	Type     messageType
	Reserved uint32
	Ticket   uint64
	Runtime  name
}

type activateRequest struct {
	Type        messageType
	Network     uint32
	Sandbox     uint64
	MemoryBytes uint64
	MaxPids     uint32
	CPUPercent  uint32
	CodeDir     path
	OutputDir   path
}

type killRequest struct {
	Type    messageType
	Gently  uint32
	Sandbox uint64
}

type hello struct {
	Type          messageType
	Version       uint32
	MissingLayers uint32
	Reserved      uint32
}

type runtimeState struct {
	Type    messageType
	Ready   uint32
	Runtime name
	Problem text
}

type parked struct {
	Type           messageType
	Descriptors    uint32
	Ticket         uint64
	Sandbox        uint64
	FreezerDialect uint32
	CPUDialect     uint32
	StepMicros     [7]uint32
	Reserved       uint32
}

type parkFailed struct {
	Type   messageType
	Error  int32
	Ticket uint64
	Step   text
}

type activated struct {
	Type    messageType
	Micros  uint32
	Sandbox uint64
}

type activateFailed struct {
	Type    messageType
	Error   int32
	Sandbox uint64
	Step    text
}

type exited struct {
	Type            messageType
	WaitStatus      int32
	Sandbox         uint64
	OutOfMemory     uint32
	Reserved        uint32
	MemoryPeakBytes uint64
	CPUNanos        uint64
}

const maxDescriptors = 6

// maxMessage is more than any message has.
const maxMessage = 4096

func encode(message any) []byte {
	var out bytes.Buffer
	// Fixed sizes only: cannot fail.
	_ = binary.Write(&out, binary.NativeEndian, message)
	return out.Bytes()
}

// decode demands the exact size.
func decode(packet []byte, message any) error {
	if len(packet) != binary.Size(message) {
		return fmt.Errorf("a message of %d bytes where %T has %d", len(packet), message, binary.Size(message))
	}
	return binary.Read(bytes.NewReader(packet), binary.NativeEndian, message)
}

func (t text) String() string { return terminated(t[:]) }
func (n name) String() string { return terminated(n[:]) }

func terminated(bytesOf []byte) string {
	if end := bytes.IndexByte(bytesOf, 0); end >= 0 {
		bytesOf = bytesOf[:end]
	}
	return string(bytesOf)
}
