// Package backend holds the gateway's connections to the services behind it.
//
// A connection is made when it is first used and again whenever it breaks, so
// the gateway starts and runs whichever services are up.
package backend

import (
	"errors"
	"fmt"

	"google.golang.org/grpc"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
	"serverless-orchestrator/gateway/internal/config"
)

// Service is one of the processes behind the gateway.
type Service struct {
	// Name is what errors, health and metrics call it: "registry".
	Name string
	// Conn is shared by the REST side and the gRPC side.
	Conn *grpc.ClientConn
}

// Set is every service behind the gateway.
type Set struct {
	Registry, Pool, Router, Scaler *Service
}

// All lists the services in the order in which they are shown.
func (s *Set) All() []*Service {
	return []*Service{s.Registry, s.Pool, s.Router, s.Scaler}
}

// Dial prepares the connections to the configured addresses. Nothing is sent
// yet. `extra` options are for tests.
func Dial(settings *configv1.GatewayConfig, extra ...grpc.DialOption) (*Set, error) {
	set := &Set{}
	for _, s := range []struct {
		name, address string
		limit         int
		target        **Service
	}{
		{"registry", settings.GetRegistryAddress(), RegistryMessageLimit, &set.Registry},
		{"pool", settings.GetPoolAddress(), MessageLimit, &set.Pool},
		{"router", settings.GetRouterAddress(), MessageLimit, &set.Router},
		{"scaler", settings.GetScalerAddress(), MessageLimit, &set.Scaler},
	} {
		conn, err := grpc.NewClient(target(s.address), append(dialOptions(s.limit), extra...)...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("address of the %s: %w", s.name, err), set.Close())
		}
		*s.target = &Service{Name: s.name, Conn: conn}
	}
	return set, nil
}

// target is an address as gRPC wants it: host:port is left to the dialer,
// unix:PATH and unix-abstract:NAME to gRPC's own resolvers.
func target(address string) string {
	if config.IsUnix(address) {
		return address
	}
	return "passthrough:///" + address
}

// Close ends the connections and every call on them.
func (s *Set) Close() error {
	var errs []error
	for _, service := range s.All() {
		if service != nil {
			errs = append(errs, service.Conn.Close())
		}
	}
	return errors.Join(errs...)
}
