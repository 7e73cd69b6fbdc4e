package link_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A memoryConn is a connection without a network: it answers calls in this process, by the messages' bytes. It
// implements the contract of [rpc.Conn] but for one thing: calls run on their callers' goroutines, so that a handler
// that does not heed its context holds its caller, and Close.
type memoryConn struct {
	dispatcher *rpc.Dispatcher

	handlers context.Context // of all handlers; ends with Close
	end      context.CancelFunc

	mu      sync.Mutex // guards what follows
	closed  bool
	running sync.WaitGroup
	done    chan struct{} // closed by the first Close
	ended   chan struct{} // closed when no call runs after that
}

var _ rpc.Conn = (*memoryConn)(nil)

func connectInMemory(services ...*rpc.Service) (*memoryConn, error) {
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{})
	c := &memoryConn{dispatcher: d, done: make(chan struct{}), ended: make(chan struct{})}
	c.handlers, c.end = context.WithCancel(context.Background())
	return c, err
}

func (c *memoryConn) Done() <-chan struct{}  { return c.done }
func (c *memoryConn) Ended() <-chan struct{} { return c.ended }
func (c *memoryConn) Peer() *rpc.Peer        { return nil }

func (c *memoryConn) Err() error {
	select {
	case <-c.done:
		return errMemoryClosed
	default:
		return nil
	}
}

var errMemoryClosed = errors.New("the connection in memory is closed")

// Close ends the contexts of handlers, and waits for them.
func (c *memoryConn) Close() error {
	c.mu.Lock()
	first := !c.closed
	if first {
		c.closed = true
		close(c.done)
		c.end()
	}
	c.mu.Unlock()
	c.running.Wait()
	if first {
		close(c.ended)
	}
	<-c.ended
	return nil
}

// begin counts a call, unless the connection takes no more.
func (c *memoryConn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.running.Add(1)
	}
	return !c.closed
}

func (c *memoryConn) Call(ctx context.Context, call *rpc.Call) error {
	if !c.begin() {
		return rpc.Errorf(rpc.Unavailable, "%w", errMemoryClosed).For(call.Method, rpc.OutcomeNotStarted)
	}
	defer c.running.Done()
	route, unknown := c.dispatcher.Find([]byte(call.Method.FullName()))
	if unknown != nil {
		return unknown.For(call.Method, rpc.OutcomeAnswered)
	}
	if call.Body != nil {
		return rpc.NoStreams(call.Method, "memory")
	}
	served := route.NewCall() // with arguments of its own, as the handler's may not be the caller's
	defer served.Release()
	if err := transfer(call.Args, served.Args); err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "%w", err).For(call.Method, rpc.OutcomeNotStarted)
	}
	bound, deadline := call.Bound(ctx)
	bound, cancel := context.WithCancel(bound)
	defer cancel()
	defer context.AfterFunc(c.handlers, cancel)()
	handling := rpc.NewServerContext(bound, rpc.CallInfo{Method: route.Method}, deadline)
	failure := route.Invoke(handling, served, nil)
	handling.End()
	switch {
	case failure == nil:
		return transfer(served.Result, call.Result)
	case failure.Exception != nil:
		return failure.Exception
	}
	return failure.Err.For(call.Method, rpc.OutcomeAnswered)
}

// transfer does what a network would: it writes one message and reads another.
func transfer(from, to rpc.Message) error {
	var e wire.Encoder
	e.Reset(nil)
	from.EncodeWire(&e)
	b, err := e.Bytes()
	if err != nil {
		return err
	}
	var d wire.Decoder
	d.Reset(b)
	to.DecodeWire(&d)
	return d.Err()
}

type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, divide.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// A link alone carries calls, here over connections in memory.
func Example() {
	l := link.New(link.Options{Connect: func(context.Context) (rpc.Conn, error) {
		return connectInMemory(divide.NewService(divider{}))
	}})
	defer l.Close()
	calc := divide.NewClient(l)
	fmt.Println(calc.Divide(context.Background(), 200, divide.Num2(100)))
	fmt.Println(calc.Divide(context.Background(), 200, divide.Num2(0)))
	// Output:
	// 2 <nil>
	// 0 invalid operation
}
