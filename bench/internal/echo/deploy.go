package echo

import (
	"context"
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/platform"
)

// Deploy registers a function under a name that nobody has, and returns its id
// when it can be called.
func Deploy(ctx context.Context, client *platform.Client, definition platform.Definition) (string, error) {
	name := fmt.Sprintf("%v-%d", definition["name"], time.Now().UnixNano())
	id, err := client.Register(ctx, definition.With("name", name))
	if err != nil {
		return "", err
	}
	return id, client.WaitKnown(ctx, id)
}

// LearnFrom sends an event to a function.
func LearnFrom(ctx context.Context, client *platform.Client, id string, event load.Event) (*Expectation, error) {
	event = event.Clone()
	numbers := load.NumbersOf(1)
	numbers.Stamp(event.Number())
	receipt, err := client.InvokeWith(ctx, id, event.Text)
	if err != nil {
		return nil, err
	}
	return Learn(event, receipt.Body)
}
