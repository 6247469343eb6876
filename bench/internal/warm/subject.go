package warm

import (
	"context"
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/bare"
	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/platform"
)

// subject is what calls go to.
type subject struct {
	id, title string
	// Learns what the answers to an event look like.
	learn func(ctx context.Context, event load.Event) (*echo.Expectation, error)
	// Makes one of several callers; `done` ends what they share.
	dial func(event load.Event, expectation *echo.Expectation) (caller func(number int) load.Caller, done func(), err error)
	// Whose processor time is counted.
	processes func() (map[string][]int, error)

	expectations map[int]*echo.Expectation
}

// expect learns each size once.
func (s *subject) expect(ctx context.Context, event load.Event) (*echo.Expectation, error) {
	size := len(event.Text)
	if known := s.expectations[size]; known != nil {
		return known, nil
	}
	learned, err := s.learn(ctx, event)
	if err == nil {
		if s.expectations == nil {
			s.expectations = map[int]*echo.Expectation{}
		}
		s.expectations[size] = learned
	}
	return learned, err
}

func bareSubject(name string, running *bare.Server) *subject {
	titles := map[string]string{
		bare.Node: "bare node http", bare.Python: "bare python http.server", bare.Reference: "reference: no-op server",
	}
	return &subject{
		id: "bare/" + name, title: titles[name],
		learn: func(_ context.Context, event load.Event) (*echo.Expectation, error) {
			return bare.LearnFrom(running.Address, event)
		},
		dial: func(event load.Event, expectation *echo.Expectation) (func(int) load.Caller, func(), error) {
			return func(number int) load.Caller {
				return load.NewHTTP(running.Address, "/", event, number, expectation.Plain)
			}, func() {}, nil
		},
		processes: func() (map[string][]int, error) { return map[string][]int{server: {running.PID}}, nil },
	}
}

// deployed is a function of the platform.
type deployed struct {
	own             *platform.Own
	client          *platform.Client
	name, title, id string
}

// shape is what sets functions of one runtime apart.
type shape struct {
	runtime string
	// Calls that one instance runs at a time.
	concurrency int
}

func (s shape) name() string {
	if s.concurrency == 1 {
		return s.runtime
	}
	return fmt.Sprintf("%s-%d", s.runtime, s.concurrency)
}

func (s shape) title() string {
	if s.concurrency == 1 {
		return s.runtime
	}
	return fmt.Sprintf("%s, concurrency %d", s.runtime, s.concurrency)
}

// hour in milliseconds; no instance is retired while it is measured.
const hour = 3_600_000

// deploy registers an echo and starts as many of its instances as so many calls
// at once need.
func deploy(ctx context.Context, own *platform.Own, client *platform.Client, pool *platform.Pool, shape shape, instances, calls int) (*deployed, error) {
	definition, err := echo.Definition(shape.runtime, "warm-"+shape.name(), 0)
	if err != nil {
		return nil, err
	}
	definition = definition.With("maxInstances", instances).With("idleTimeout", hour).With("maxAge", hour).
		With("concurrency", shape.concurrency)
	id, err := echo.Deploy(ctx, client, definition)
	if err != nil {
		return nil, err
	}
	// One is there, of the first call.
	wanted := (calls + shape.concurrency - 1) / shape.concurrency
	if more := min(instances, wanted) - 1; more > 0 {
		err = pool.Warm(ctx, id, more)
	}
	return &deployed{own, client, shape.name(), shape.title(), id}, err
}

func (d *deployed) learn(ctx context.Context, event load.Event) (*echo.Expectation, error) {
	return echo.LearnFrom(ctx, d.client, d.id, event)
}

func (d *deployed) processes() (map[string][]int, error) {
	supervisor, err := d.own.SupervisorPID()
	if err != nil {
		return nil, err
	}
	return platform.Processes{Dir: "/proc"}.GroupsBelow(supervisor)
}

func (d *deployed) rest() *subject {
	return &subject{
		id: "rest/" + d.name, title: "REST: " + d.title, learn: d.learn, processes: d.processes,
		dial: func(event load.Event, expectation *echo.Expectation) (func(int) load.Caller, func(), error) {
			return func(number int) load.Caller {
				return load.NewHTTP(d.own.HTTP, platform.InvokePath(d.id), event, number, expectation.REST)
			}, func() {}, nil
		},
	}
}

func (d *deployed) grpc() *subject {
	return &subject{
		id: "grpc/" + d.name, title: "gRPC: " + d.title, learn: d.learn, processes: d.processes,
		dial: func(event load.Event, expectation *echo.Expectation) (func(int) load.Caller, func(), error) {
			connection, err := load.DialGRPC(d.own.GRPC)
			if err != nil {
				return nil, nil, err
			}
			return func(number int) load.Caller {
				return load.NewGRPC(connection, d.id, event, number, expectation.GRPC)
			}, connection.Close, nil
		},
	}
}

// cpuMeter looks at processor times at the two ends of a window.
type cpuMeter struct {
	groups map[string][]int
	before map[string]time.Duration
}

func (m *cpuMeter) look() map[string]time.Duration {
	processes := platform.Processes{Dir: "/proc"}
	seen := map[string]time.Duration{driver: load.OwnCPU()}
	for group, pids := range m.groups {
		seen[group] = processes.CPU(pids...)
	}
	return seen
}

func (m *cpuMeter) begin() { m.before = m.look() }

func (m *cpuMeter) end() map[string]time.Duration {
	used := m.look()
	for group := range used {
		used[group] -= m.before[group]
	}
	return used
}
