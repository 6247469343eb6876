package launcher

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// Client is the one client of a launcher. Thread-safe.
type Client struct {
	socket *net.UnixConn

	mutex      sync.Mutex
	nextTicket uint64
	// Who waits for what: parks by ticket, everything else by sandbox.
	parks, sandboxes map[uint64]chan any
	runtimes         map[string]runtimeState
	// Of living sandboxes, which end when their channel is closed.
	descriptors map[uint64][]int
	// Closed and made anew when a runtime's state changes.
	changed chan struct{}
	// Why there will be no more messages.
	broken error
	ended  chan struct{}
}

// Dial connects to the socket of a launcher.
func Dial(socketPath string) (*Client, error) {
	socket, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: socketPath, Net: "unixpacket"})
	if err != nil {
		return nil, err
	}
	client := &Client{
		socket: socket, parks: map[uint64]chan any{}, sandboxes: map[uint64]chan any{},
		runtimes: map[string]runtimeState{}, descriptors: map[uint64][]int{}, changed: make(chan struct{}), ended: make(chan struct{}),
	}
	go client.read()
	return client, nil
}

// Close ends all sandboxes.
func (c *Client) Close() {
	c.socket.Close()
	<-c.ended
	for _, descriptors := range c.descriptors {
		closeAll(descriptors)
	}
}

// WaitReady returns when a runtime can be parked.
func (c *Client) WaitReady(ctx context.Context, runtime string) error {
	for {
		c.mutex.Lock()
		state, known := c.runtimes[runtime]
		changed := c.changed
		c.mutex.Unlock()
		if state.Ready != 0 {
			return nil
		}
		if problem := state.Problem.String(); known && problem != "" {
			return errors.New(problem)
		}
		select {
		case <-changed:
		case <-c.ended:
			return c.broken
		case <-ctx.Done():
			return fmt.Errorf("waiting for the %s zygote: %w", runtime, context.Cause(ctx))
		}
	}
}

// Limits of a sandbox in Cycle: those that functions have by default.
const (
	memoryBytes = 128 << 20
	maxPids     = 128
	cpuPercent  = 100
)

// Cycle parks a sandbox, activates it with a directory of code, kills it, and
// waits until nothing of it is left.
func (c *Client) Cycle(ctx context.Context, runtime, codeDir string) error {
	sandbox, err := c.park(ctx, runtime)
	if err != nil {
		return err
	}
	defer c.forget(sandbox)
	c.mutex.Lock()
	answers := c.sandboxes[sandbox]
	c.mutex.Unlock()
	if answers == nil {
		return errors.New("a sandbox ended as soon as it was parked")
	}

	request := activateRequest{Type: typeActivate, Sandbox: sandbox, MemoryBytes: memoryBytes, MaxPids: maxPids, CPUPercent: cpuPercent}
	copy(request.CodeDir[:len(request.CodeDir)-1], codeDir)
	answer, err := c.ask(ctx, encode(&request), answers)
	if err != nil {
		return err
	}
	switch answer := answer.(type) {
	case activated:
	case activateFailed:
		return fmt.Errorf("activating: %s: %w", answer.Step, syscall.Errno(answer.Error))
	case exited:
		return fmt.Errorf("a sandbox ended by itself, wait status %#x", answer.WaitStatus)
	}
	answer, err = c.ask(ctx, encode(&killRequest{Type: typeKill, Sandbox: sandbox}), answers)
	if err != nil {
		return err
	}
	if _, gone := answer.(exited); !gone {
		return fmt.Errorf("a kill was answered by %T", answer)
	}
	return nil
}

func (c *Client) park(ctx context.Context, runtime string) (uint64, error) {
	answers := make(chan any, 1)
	c.mutex.Lock()
	c.nextTicket++
	ticket := c.nextTicket
	c.parks[ticket] = answers
	c.mutex.Unlock()

	request := parkRequest{Type: typePark, Ticket: ticket}
	copy(request.Runtime[:len(request.Runtime)-1], runtime)
	answer, err := c.ask(ctx, encode(&request), answers)
	if err != nil {
		return 0, err
	}
	switch answer := answer.(type) {
	case parked:
		return answer.Sandbox, nil
	case parkFailed:
		return 0, fmt.Errorf("parking: %s: %w", answer.Step, syscall.Errno(answer.Error))
	}
	return 0, fmt.Errorf("a park was answered by %T", answer)
}

// forget lets go of a sandbox that has ended, or that nobody waits for.
func (c *Client) forget(sandbox uint64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.sandboxes, sandbox)
	closeAll(c.descriptors[sandbox])
	delete(c.descriptors, sandbox)
}

func (c *Client) ask(ctx context.Context, packet []byte, answers chan any) (any, error) {
	if _, err := c.socket.Write(packet); err != nil {
		return nil, err
	}
	select {
	case answer := <-answers:
		return answer, nil
	case <-c.ended:
		return nil, c.broken
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (c *Client) read() {
	defer close(c.ended)
	packet := make([]byte, maxMessage)
	control := make([]byte, syscall.CmsgSpace(4*maxDescriptors))
	for {
		n, controlBytes, _, _, err := c.socket.ReadMsgUnix(packet, control)
		if err == nil && n == 0 {
			err = errors.New("the launcher has ended")
		}
		if err == nil {
			err = c.dispatch(packet[:n], received(control[:controlBytes]))
		}
		if err != nil {
			c.broken = err
			return
		}
	}
}

// received returns the descriptors that came with a packet.
func received(control []byte) []int {
	var all []int
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, message := range messages {
		if descriptors, err := syscall.ParseUnixRights(&message); err == nil {
			all = append(all, descriptors...)
		}
	}
	return all
}

func closeAll(descriptors []int) {
	for _, descriptor := range descriptors {
		syscall.Close(descriptor)
	}
}

func (c *Client) dispatch(packet []byte, descriptors []int) error {
	kept := false
	defer func() {
		if !kept {
			closeAll(descriptors)
		}
	}()
	if len(packet) < 4 {
		return fmt.Errorf("a message of %d bytes", len(packet))
	}
	switch kind := messageType(binary.NativeEndian.Uint32(packet)); kind {
	case typeHello:
		var message hello
		if err := decode(packet, &message); err != nil {
			return err
		}
		if message.Version != protocolVersion {
			return fmt.Errorf("the launcher speaks version %d", message.Version)
		}
		return nil
	case typeRuntimeState:
		return c.onRuntime(packet)
	case typeParked:
		kept = true
		return answer(c, c.parks, packet, func(m parked) uint64 {
			c.descriptors[m.Sandbox] = descriptors
			// Holds an answer to the activation, and the exit.
			c.sandboxes[m.Sandbox] = make(chan any, 2)
			return m.Ticket
		})
	case typeParkFailed:
		return answer(c, c.parks, packet, func(m parkFailed) uint64 { return m.Ticket })
	case typeActivated:
		return answer(c, nil, packet, func(m activated) uint64 { return m.Sandbox })
	case typeActivateFailed:
		return answer(c, nil, packet, func(m activateFailed) uint64 { return m.Sandbox })
	case typeExited:
		return answer(c, c.sandboxes, packet, func(m exited) uint64 { return m.Sandbox })
	default:
		return fmt.Errorf("a message of the unknown type %d", kind)
	}
}

func (c *Client) onRuntime(packet []byte) error {
	var message runtimeState
	if err := decode(packet, &message); err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.runtimes[message.Runtime.String()] = message
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

// answer hands a message to who waits for it. It is the last one for its key in
// `last`; with nil, more will come for the sandbox.
func answer[M any](c *Client, last map[uint64]chan any, packet []byte, keyOf func(M) uint64) error {
	var message M
	if err := decode(packet, &message); err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	key := keyOf(message)
	from := last
	if from == nil {
		from = c.sandboxes
	}
	waiting := from[key]
	if last != nil {
		delete(last, key)
	}
	if waiting != nil {
		waiting <- message
	}
	return nil
}
