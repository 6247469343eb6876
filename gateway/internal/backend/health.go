package backend

import (
	"context"
	"sync"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// State is what a service says about itself, or that it says nothing.
type State string

// The states of a service.
const (
	StateOK          State = "ok"
	StateNotServing  State = "not serving"
	StateUnreachable State = "unreachable"
)

// checkDeadline is short: a service that needs longer for this is not healthy.
const checkDeadline = time.Second

// States is the state of each service.
type States struct {
	Registry State `json:"registry"`
	Pool     State `json:"pool"`
	Router   State `json:"router"`
	Scaler   State `json:"scaler"`
}

// AllOK reports whether every service is serving.
func (s States) AllOK() bool {
	return s.Registry == StateOK && s.Pool == StateOK && s.Router == StateOK && s.Scaler == StateOK
}

// Check asks all services at the same time.
func (s *Set) Check(ctx context.Context) States {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	var states States
	var group sync.WaitGroup
	for _, check := range []struct {
		service *Service
		state   *State
	}{
		{s.Registry, &states.Registry},
		{s.Pool, &states.Pool},
		{s.Router, &states.Router},
		{s.Scaler, &states.Scaler},
	} {
		group.Go(func() { *check.state = check.service.Check(ctx) })
	}
	group.Wait()
	return states
}

// Check asks one service.
func (s *Service) Check(ctx context.Context) State {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	answer, err := healthpb.NewHealthClient(s.Conn).Check(ctx, &healthpb.HealthCheckRequest{})
	switch {
	case err != nil:
		return StateUnreachable
	case answer.GetStatus() != healthpb.HealthCheckResponse_SERVING:
		return StateNotServing
	default:
		return StateOK
	}
}
