package yodel

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// numbers are streams without end, of messages that say nothing.
var (
	numbers = rpc.NewServerStreaming[nothing, nothing](rpc.Method{Service: "test.Test", Name: "numbers"},
		func(m *nothing) *nothing { return m })
	brief = rpc.NewServerStreaming[nothing, nothing](
		rpc.Method{Service: "test.Test", Name: "brief", Timeout: 90 * time.Second},
		func(m *nothing) *nothing { return m })
)

// A streamConn carries streams: to each Recv comes a message after a minute.
type streamConn struct {
	netConn
	opened, closed atomic.Int32
	fails          func(c *streamConn, m *rpc.Method) error // before a stream opens; nil for never
	cut            func(c *streamConn, m *rpc.Method) error // after it has ended; nil for never
}

func (c *streamConn) Call(ctx context.Context, call *rpc.Call) error {
	if c.fails != nil {
		if err := c.fails(c, call.Method); err != nil {
			return err
		}
	}
	c.opened.Add(1)
	defer c.closed.Add(1)
	err := call.Run(ctx, minutes{})
	if c.cut != nil {
		return c.cut(c, call.Method)
	}
	return err
}

type minutes struct{}

func (minutes) Send(context.Context, rpc.Message) error { return nil }
func (minutes) CloseSend() error                        { return nil }
func (minutes) Close() error                            { return nil }

func (minutes) Recv(ctx context.Context, m rpc.Message) error {
	select {
	case <-time.After(time.Minute):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// streamChannel returns a channel whose connections are conns, the last of them again and again.
func streamChannel(t *testing.T, o DialOptions, conns ...*streamConn) *Channel {
	t.Helper()
	i := 0
	ch := newTestChannel(o, func(context.Context) (rpc.Conn, error) {
		c := conns[min(i, len(conns)-1)]
		i++
		c.network, c.done = new(network), make(chan struct{})
		return c, nil
	})
	t.Cleanup(func() { ch.Close() })
	return ch
}

// A channel's Timeout is for unary calls, since a stream may be meant to last; a method's is for its streams, too.
func TestDeadlinesOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := streamChannel(t, DialOptions{Timeout: 90 * time.Second}, new(streamConn))
		n := 0
		for _, err := range numbers.Call(t.Context(), ch, new(nothing)) {
			if n++; err != nil || n == 10 {
				break
			}
		}
		if n != 10 {
			t.Errorf("%d messages", n)
		}
		n = 0
		for _, err := range brief.Call(t.Context(), ch, new(nothing)) {
			if err == nil {
				n++
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		if n != 1 {
			t.Errorf("%d messages within the method's 90 s; want 1", n)
		}
	})
}

// However a loop ends, its stream is freed, and interceptors run to their ends, unless the loop ends its goroutine.
func TestLoopsEndThroughTheChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var after error
		ended := errors.New("the rest has not run")
		watch := func(next rpc.CallFunc) rpc.CallFunc {
			return func(ctx context.Context, c *rpc.Call) error {
				after = ended
				err := next(ctx, c)
				after = err
				return err
			}
		}
		conn := new(streamConn)
		ch := streamChannel(t, DialOptions{Interceptors: []rpc.Interceptor{watch}}, conn)
		loop := func(body func()) (recovered any) {
			defer func() { recovered = recover() }()
			for range numbers.Call(t.Context(), ch, new(nothing)) {
				body()
				break
			}
			return nil
		}
		freed := func(n int32) {
			t.Helper()
			if conn.opened.Load() != n || conn.closed.Load() != n {
				t.Errorf("%d streams opened, %d closed; want %d", conn.opened.Load(), conn.closed.Load(), n)
			}
		}
		if p := loop(func() {}); p != nil || after != nil {
			t.Errorf("a loop that is left panics with %v, and interceptors see %v", p, after)
		}
		freed(1)
		if p := loop(func() { panic("out") }); p != "out" {
			t.Errorf("the caller recovers %v", p)
		}
		if e, ok := errors.AsType[*rpc.Error](after); !ok || e.Code != rpc.Canceled {
			t.Errorf("interceptors see %v of a loop that panics", after)
		}
		freed(2)
		done := make(chan struct{})
		go func() {
			defer close(done)
			loop(runtime.Goexit)
			t.Error("the goroutine goes on")
		}()
		<-done
		freed(3)
	})
}

// A stream is opened anew where it could not be opened on a connection that broke, but never once its loop has begun.
func TestStreamsAreRetriedUntilTheyBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := &streamConn{fails: func(c *streamConn, m *rpc.Method) error {
			return c.breaks(m, rpc.OutcomeNotStarted)
		}}
		whole := new(streamConn)
		ch := streamChannel(t, DialOptions{}, broken, whole)
		for _, err := range numbers.Call(t.Context(), ch, new(nothing)) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if whole.opened.Load() != 1 {
			t.Errorf("%d streams on the second connection", whole.opened.Load())
		}
		cut := &streamConn{cut: func(c *streamConn, m *rpc.Method) error { return c.breaks(m, rpc.OutcomeNotStarted) }}
		whole = new(streamConn)
		ch = streamChannel(t, DialOptions{}, cut, whole)
		call := rpc.NewStreamCall(&numbers.Method, func(context.Context, rpc.Stream) error { return nil })
		wantError(t, ch.Call(t.Context(), call), rpc.Unavailable, rpc.OutcomeNotStarted)
		if whole.opened.Load() != 0 {
			t.Error("a loop that had begun was sent to a second connection")
		}
	})
}
