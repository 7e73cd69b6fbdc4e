package rpc_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A counter counts the messages that pass in a stream, as an interceptor of either side.
type counter struct {
	calls, sent, received atomic.Int32
	err                   error // what the last call returned
}

func (n *counter) intercept(next rpc.CallFunc) rpc.CallFunc {
	return func(ctx context.Context, c *rpc.Call) error {
		n.calls.Add(1)
		if body := c.Body; body != nil {
			c.Body = func(ctx context.Context, s rpc.Stream) error { return body(ctx, counted{s, n}) }
		}
		n.err = next(ctx, c)
		return n.err
	}
}

type counted struct {
	rpc.Stream
	n *counter
}

func (c counted) Send(ctx context.Context, m rpc.Message) error {
	c.n.sent.Add(1)
	return c.Stream.Send(ctx, m)
}

func (c counted) Recv(ctx context.Context, m rpc.Message) error {
	err := c.Stream.Recv(ctx, m)
	if err == nil {
		c.n.received.Add(1)
	}
	return err
}

// intercepted is a channel with interceptors.
type intercepted rpc.CallFunc

func (f intercepted) Call(ctx context.Context, c *rpc.Call) error { return f(ctx, c) }

// intercept runs f in a bubble with a client whose calls pass interceptors of both sides.
func intercept(t *testing.T, client, server rpc.Interceptor, f func(t *testing.T, c *everything.CalculatorClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, err := rpc.NewDispatcher([]*rpc.Service{everything.NewCalculatorService(streamer{})},
			rpc.DispatcherOptions{Interceptors: []rpc.Interceptor{server}})
		if err != nil {
			t.Fatal(err)
		}
		m, stop := memoryOf(d)
		t.Cleanup(stop)
		f(t, everything.NewCalculatorClient(intercepted(client(m.Call))))
	})
}

// The same interceptor counts the messages of streams of every kind, on both sides.
func TestStreamsPassInterceptors(t *testing.T) {
	t.Parallel()
	var client, server counter
	intercept(t, client.intercept, server.intercept, func(t *testing.T, c *everything.CalculatorClient) {
		if _, err := collect(c.Ticks(t.Context(), 3)); err != nil {
			t.Error(err)
		}
		if _, err := c.Sum(t.Context(), slices.Values([]int32{1, 2})); err != nil {
			t.Error(err)
		}
		if _, err := ratios(c, t.Context(), 1, slices.Values([]int32{1, 2})); err != nil {
			t.Error(err)
		}
	})
	for side, n := range map[string]*counter{"client": &client, "server": &server} {
		if n.calls.Load() != 3 {
			t.Errorf("the %s's interceptor saw %d calls, want 3", side, n.calls.Load())
		}
	}
	if client.sent.Load() != server.received.Load() || client.received.Load() != server.sent.Load() {
		t.Errorf("the client sent %d and received %d; the server received %d and sent %d", client.sent.Load(),
			client.received.Load(), server.received.Load(), server.sent.Load())
	}
}

// What refuses unary calls refuses streams, on either side, and their bodies do not run.
func TestStreamRefusedByInterceptor(t *testing.T) {
	t.Parallel()
	refuse := func(rpc.CallFunc) rpc.CallFunc {
		return func(context.Context, *rpc.Call) error { return rpc.NewError(rpc.Unauthenticated, "who are you?") }
	}
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	for side, at := range map[string][2]rpc.Interceptor{"client": {refuse, pass}, "server": {pass, refuse}} {
		intercept(t, at[0], at[1], func(t *testing.T, c *everything.CalculatorClient) {
			got, err := collect(c.Ticks(t.Context(), 3))
			if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unauthenticated || len(got) > 0 {
				t.Errorf("%s: got %v, %v", side, got, err)
			}
		})
	}
}

func TestStreamBodyRunsOnce(t *testing.T) {
	t.Parallel()
	twice := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			_ = next(ctx, c)
			return next(ctx, c)
		}
	}
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	intercept(t, twice, pass, func(t *testing.T, c *everything.CalculatorClient) {
		got, err := collect(c.Ticks(t.Context(), 2))
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.FailedPrecondition || len(got) != 2 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// An interceptor answers a stream in the server's place, at the client, and in the handler's place, at the server.
func TestStreamAnsweredByInterceptor(t *testing.T) {
	t.Parallel()
	nothing := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error { return nil }
	}
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	intercept(t, pass, nothing, func(t *testing.T, c *everything.CalculatorClient) {
		if got, err := collect(c.Ticks(t.Context(), 2)); err != nil || len(got) > 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// Leaving the loop is no failure for interceptors; a panic in it is one, and goes on to the caller.
func TestStreamLoopEndsInsideInterceptors(t *testing.T) {
	t.Parallel()
	var client counter
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	intercept(t, client.intercept, pass, func(t *testing.T, c *everything.CalculatorClient) {
		for range c.Ticks(t.Context(), 5) {
			break
		}
		if client.err != nil {
			t.Errorf("a loop that was left gave interceptors %v", client.err)
		}
		func() {
			defer func() {
				if p := recover(); p != "out" {
					t.Errorf("the caller recovered %v", p)
				}
			}()
			for range c.Ticks(t.Context(), 5) {
				panic("out")
			}
		}()
		if e, ok := errors.AsType[*rpc.Error](client.err); !ok || e.Code != rpc.Canceled {
			t.Errorf("a loop that panicked gave interceptors %v", client.err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range c.Ticks(t.Context(), 5) {
				runtime.Goexit() // ends the goroutine, and with it the stream
			}
		}()
		<-ended
	})
}

// A Body that an interceptor put in place runs once as well, whether or not it runs the caller's.
func TestStreamReplacedBodyRunsOnce(t *testing.T) {
	t.Parallel()
	ran := 0
	twice := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			c.Body = func(context.Context, rpc.Stream) error { ran++; return nil }
			if err := next(ctx, c); err != nil {
				return err
			}
			return next(ctx, c)
		}
	}
	inside := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			body := c.Body
			c.Body = func(ctx context.Context, s rpc.Stream) error {
				_ = body(ctx, s)
				return body(ctx, s)
			}
			return next(ctx, c)
		}
	}
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	for name, at := range map[string][2]rpc.Interceptor{
		"client": {twice, pass}, "server": {pass, twice}, "inside, client": {inside, pass},
		"inside, server": {pass, inside},
	} {
		ran = 0
		intercept(t, at[0], at[1], func(t *testing.T, c *everything.CalculatorClient) {
			_, err := collect(c.Ticks(t.Context(), 2))
			if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.FailedPrecondition || ran > 1 {
				t.Errorf("%s: got %v, and the Body ran %d times", name, err, ran)
			}
		})
	}
}

// The deadline of a call bounds its stream, over any protocol.
func TestStreamEndsWithTheCallsDeadline(t *testing.T) {
	t.Parallel()
	hour := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			c.Deadline = time.Now().Add(90 * time.Minute)
			return next(ctx, c)
		}
	}
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	intercept(t, hour, pass, func(t *testing.T, c *everything.CalculatorClient) {
		got, err := collect(c.Ticks(t.Context(), 1000, everything.Every(time.Hour)))
		if len(got) != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// An interceptor changes messages in both directions, by name.
func TestStreamMessagesChangedByInterceptor(t *testing.T) {
	t.Parallel()
	double := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			body := c.Body
			c.Body = func(ctx context.Context, s rpc.Stream) error { return body(ctx, onlyOdd{s}) }
			return next(ctx, c)
		}
	}
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	for side, at := range map[string][2]rpc.Interceptor{"client": {double, pass}, "server": {pass, double}} {
		intercept(t, at[0], at[1], func(t *testing.T, c *everything.CalculatorClient) {
			sum, err := c.Sum(t.Context(), slices.Values([]int32{1, 2, 3, 4}))
			if err != nil || sum != 4 {
				t.Errorf("%s: got %v, %v", side, sum, err)
			}
		})
	}
}

// onlyOdd leaves out even elements of the stream of arguments, as a client sends them or a server receives them.
type onlyOdd struct{ rpc.Stream }

func (o onlyOdd) Send(ctx context.Context, m rpc.Message) error {
	if n, ok := wire.Get[int32](m, "nums"); ok && n%2 == 0 {
		return nil
	}
	return o.Stream.Send(ctx, m)
}

func (o onlyOdd) Recv(ctx context.Context, m rpc.Message) error {
	for {
		err := o.Stream.Recv(ctx, m)
		if n, ok := wire.Get[int32](m, "nums"); err != nil || !ok || n%2 != 0 {
			return err
		}
		m.Reset()
	}
}

// Once a call has ended nothing passes its interceptors, though the sequence of its elements goes on.
func TestStreamSendsNothingAfterItsEnd(t *testing.T) {
	t.Parallel()
	var ended, late atomic.Bool
	watch := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			body := c.Body
			c.Body = func(ctx context.Context, s rpc.Stream) error { return body(ctx, watched{s, &ended, &late}) }
			defer ended.Store(true)
			return next(ctx, c)
		}
	}
	pass := func(next rpc.CallFunc) rpc.CallFunc { return next }
	intercept(t, watch, pass, func(t *testing.T, c *everything.CalculatorClient) {
		ctx, cancel := context.WithCancel(t.Context())
		endless := func(yield func(int32) bool) {
			for i := 0; yield(1); i++ {
				if i == 3 {
					cancel()
				}
			}
		}
		if _, err := c.Sum(ctx, endless); err == nil {
			t.Error("a call that was cancelled succeeded")
		}
		synctest.Wait()
	})
	if late.Load() {
		t.Error("the stream was used after its call had ended")
	}
}

// watched tells whether it is used after the end.
type watched struct {
	rpc.Stream
	ended, late *atomic.Bool
}

func (w watched) Send(ctx context.Context, m rpc.Message) error {
	err := w.Stream.Send(ctx, m)
	if w.ended.Load() {
		w.late.Store(true)
	}
	return err
}

func (w watched) CloseSend() error {
	if w.ended.Load() {
		w.late.Store(true)
	}
	return w.Stream.CloseSend()
}
