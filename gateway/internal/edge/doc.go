// Package edge is the gateway's single gRPC endpoint. It forwards the calls of
// the public services to the processes that own them, message by message and
// without decoding, and serves health and reflection for all of them.
package edge
