package bare

import (
	"context"
	"net"
	"testing"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/machine"
)

// callThrice sends an event of each size over one connection, and checks.
func callThrice(t *testing.T, address string) {
	t.Helper()
	for _, size := range []int{64, 1 << 20} {
		event, err := load.NewEvent(size)
		if err != nil {
			t.Fatal(err)
		}
		expectation, err := LearnFrom(address, event)
		if err != nil {
			t.Fatal(err)
		}
		caller := load.NewHTTP(address, "/", event, 1, expectation.Plain)
		for range 3 {
			if got := caller.Call(); got != load.OK {
				t.Errorf("%d bytes: %s", size, got)
			}
		}
		caller.Close()
	}
}

func TestTheReferenceEchoes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serveReference(listener) }()
	callThrice(t, listener.Addr().String())
	listener.Close()
	if <-served == nil {
		t.Error("it went on without a listener")
	}
}

func TestServersOfLanguagesEcho(t *testing.T) {
	for kind, program := range map[string]string{Node: "node", Python: "python3"} {
		t.Run(kind, func(t *testing.T) {
			if _, err := machine.Find(program); err != nil {
				t.Fatal(err) // scripts/test installs both
			}
			server, err := Start(context.Background(), kind)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			callThrice(t, server.Address)
		})
	}
}
