package rpc_test

import (
	"context"
	"io"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A memory is a channel to a dispatcher in the same process. Messages travel as bytes, one at a time.
type memory struct {
	t          *testing.T
	dispatcher *rpc.Dispatcher
	handlers   sync.WaitGroup
}

// newMemory returns a channel to the services. At the end of the test all handlers must have returned.
func newMemory(t *testing.T, services ...*rpc.Service) *memory {
	t.Helper()
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{t: t, dispatcher: d}
	t.Cleanup(m.handlers.Wait)
	return m
}

func (m *memory) route(method *rpc.Method) *rpc.Route {
	route, err := m.dispatcher.Find([]byte(method.FullName()))
	if err != nil {
		m.t.Fatal(err)
	}
	return route
}

func (m *memory) Call(ctx context.Context, c *rpc.Call) error {
	route := m.route(c.Method)
	if c.Body != nil {
		s := m.open(ctx, c.Method)
		defer s.Close()
		return c.Run(ctx, s)
	}
	served := route.NewCall()
	defer served.Release()
	if err := carry(c.Args, served.Args); err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "%w", err).For(c.Method, rpc.OutcomeAnswered)
	}
	if f := route.Invoke(ctx, served, nil); f != nil {
		return carryError(c.Method, f)
	}
	return carry(served.Result, c.Result)
}

// carry writes one message and reads it into the other.
func carry(from, to rpc.Message) error {
	b, err := wire.Marshal(from)
	if err != nil {
		return err
	}
	return wire.Unmarshal(b, to)
}

func carryError(m *rpc.Method, f *rpc.Failure) error {
	if f.Exception == nil {
		return f.Err.For(m, rpc.OutcomeAnswered)
	}
	x := m.Exceptions[f.Index]()
	if err := carry(f.Exception, x); err != nil {
		return err
	}
	return x
}

func (m *memory) open(ctx context.Context, method *rpc.Method) rpc.Stream {
	route := m.route(method)
	ctx, cancel := context.WithCancel(ctx)
	up, down := make(chan []byte), make(chan []byte)
	c := &memoryStream{out: up, in: down, cancel: cancel, sent: make(chan struct{}), ended: make(chan struct{})}
	s := &memoryStream{out: down, in: up, cancel: cancel, finished: c.sent}
	m.handlers.Go(func() {
		answer := func(f *rpc.Failure) {
			if f != nil {
				c.err = carryError(method, f)
			}
			close(c.ended)
			cancel()
		}
		answer(route.Invoke(ctx, route.NewStreamCall(s), answer))
	})
	return c
}

// A memoryStream is one end of a stream.
type memoryStream struct {
	out      chan<- []byte
	in       <-chan []byte
	cancel   context.CancelFunc
	sent     chan struct{} // closed by CloseSend
	finished chan struct{} // closed when no more will come in
	ended    chan struct{} // closed when the handler has returned; nil at its own end
	err      error         // what it returned
	once     sync.Once
}

func (s *memoryStream) Send(ctx context.Context, m rpc.Message) error {
	b, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	select {
	case s.out <- b:
		return nil
	case <-s.ended:
		return io.EOF
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *memoryStream) Recv(ctx context.Context, m rpc.Message) error {
	select {
	case b := <-s.in:
		return wire.Unmarshal(b, m)
	case <-s.finished:
		return io.EOF
	case <-s.ended:
		if s.err != nil {
			return s.err
		}
		return io.EOF
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *memoryStream) CloseSend() error {
	s.once.Do(func() { close(s.sent) })
	return nil
}

// Close cancels the handler's context and waits for the handler.
func (s *memoryStream) Close() error {
	s.cancel()
	<-s.ended
	return nil
}
