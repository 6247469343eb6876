package launcher

import (
	"context"
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeLauncher answers each packet as it is told to.
func fakeLauncher(t *testing.T, answer func(packet []byte) []any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		connection, err := listener.AcceptUnix()
		if err != nil {
			return
		}
		defer connection.Close()
		send := func(messages ...any) {
			for _, message := range messages {
				_, _ = connection.Write(encode(message))
			}
		}
		ready := runtimeState{Type: typeRuntimeState, Ready: 1}
		copy(ready.Runtime[:], "node")
		send(&hello{Type: typeHello, Version: protocolVersion}, &ready)
		packet := make([]byte, maxMessage)
		for {
			n, err := connection.Read(packet)
			if err != nil || n == 0 {
				return
			}
			send(answer(packet[:n])...)
		}
	}()
	return path
}

func dialed(t *testing.T, path string) (*Client, context.Context) {
	t.Helper()
	client, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	if err := client.WaitReady(ctx, "node"); err != nil {
		t.Fatal(err)
	}
	return client, ctx
}

func TestCycleParksActivatesAndKills(t *testing.T) {
	client, ctx := dialed(t, fakeLauncher(t, func(packet []byte) []any {
		switch messageType(binary.NativeEndian.Uint32(packet)) {
		case typePark:
			var request parkRequest
			_ = decode(packet, &request)
			return []any{&parked{Type: typeParked, Ticket: request.Ticket, Sandbox: 100 + request.Ticket}}
		case typeActivate:
			var request activateRequest
			_ = decode(packet, &request)
			if terminated(request.CodeDir[:]) != "/code" {
				return []any{&activateFailed{Type: typeActivateFailed, Error: 2, Sandbox: request.Sandbox}}
			}
			return []any{&activated{Type: typeActivated, Sandbox: request.Sandbox}}
		default:
			var request killRequest
			_ = decode(packet, &request)
			return []any{&exited{Type: typeExited, Sandbox: request.Sandbox}}
		}
	}))
	for range 3 {
		if err := client.Cycle(ctx, "node", "/code"); err != nil {
			t.Fatal(err)
		}
	}
	if len(client.parks)+len(client.sandboxes)+len(client.descriptors) != 0 {
		t.Errorf("left: %v, %v, %v", client.parks, client.sandboxes, client.descriptors)
	}
}

func TestWhatFailsIsNamed(t *testing.T) {
	client, ctx := dialed(t, fakeLauncher(t, func(packet []byte) []any {
		var request parkRequest
		_ = decode(packet, &request)
		failed := parkFailed{Type: typeParkFailed, Error: 12, Ticket: request.Ticket}
		copy(failed.Step[:], "cgroup")
		return []any{&failed}
	}))
	err := client.Cycle(ctx, "node", "/code")
	if err == nil || !strings.Contains(err.Error(), "cgroup") || !strings.Contains(err.Error(), "cannot allocate memory") {
		t.Errorf("got %v", err)
	}
}

func TestAnUnknownMessageEndsTheClient(t *testing.T) {
	client, ctx := dialed(t, fakeLauncher(t, func([]byte) []any { return []any{uint32(99)} }))
	if err := client.Cycle(ctx, "node", "/code"); err == nil || !strings.Contains(err.Error(), "unknown type 99") {
		t.Errorf("got %v", err)
	}
}
