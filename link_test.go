package yodel

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// nothing is a message without fields.
type nothing struct{}

func (*nothing) Reset()                   {}
func (*nothing) EncodeWire(*wire.Encoder) {}
func (*nothing) DecodeWire(*wire.Decoder) {}

var (
	once = rpc.NewUnary[nothing, nothing](rpc.Method{Service: "test.Test", Name: "once"})
	safe = rpc.NewUnary[nothing, nothing](rpc.Method{Service: "test.Test", Name: "safe", Idempotent: true})

	errRefused = errors.New("connection refused")
)

// A network is a server that is up or down, and the connections to it.
type network struct {
	down     atomic.Bool
	hangs    atomic.Bool
	attempts atomic.Int32
	closed   atomic.Int32
	outcome  func(c *netConn) error // of a call; nil for success
}

func (n *network) connect(ctx context.Context) (rpc.Conn, error) {
	n.attempts.Add(1)
	if n.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if n.down.Load() {
		return nil, errRefused
	}
	return &netConn{network: n, done: make(chan struct{})}, nil
}

type netConn struct {
	network *network
	done    chan struct{}
}

// breaks ends the connection; a call that it concerns fails with the given outcome.
func (c *netConn) breaks(m *rpc.Method, o rpc.Outcome) error {
	close(c.done)
	return rpc.NewError(rpc.Unavailable, "connection lost").For(m, o)
}

func (c *netConn) Call(_ context.Context, call *rpc.Call) error {
	if c.network.outcome != nil {
		return c.network.outcome(c)
	}
	return nil
}

func (c *netConn) Close() error           { c.network.closed.Add(1); return nil }
func (c *netConn) Done() <-chan struct{}  { return c.done }
func (c *netConn) Ended() <-chan struct{} { return c.done }
func (c *netConn) Peer() *rpc.Peer        { return nil }
func (c *netConn) Err() error             { return errors.New("connection lost") }

// newTestChannel returns a channel whose connections connect makes, wherever they lead.
func newTestChannel(o DialOptions, connect connector) *Channel {
	ch, err := newChannel(o, rpc.NewLog(o.Logger), func(string) (connector, error) { return connect, nil })
	if err != nil {
		panic(err)
	}
	return ch
}

func (n *network) dial(t *testing.T, o DialOptions) *Channel {
	t.Helper()
	ch := newTestChannel(o, n.connect)
	t.Cleanup(func() { ch.Close() })
	return ch
}

func call(ctx context.Context, ch *Channel, m *rpc.Unary[nothing, nothing, *nothing, *nothing]) error {
	c := m.NewCall()
	defer c.Release()
	return ch.Call(ctx, &c.Call)
}

func wantError(t *testing.T, err error, code rpc.Code, o rpc.Outcome) {
	t.Helper()
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != code || e.Outcome != o {
		t.Fatalf("err = %v; want %v (%v)", err, code, o)
	}
}

func TestConnectionIsMadeByTheFirstCallAndKept(t *testing.T) {
	n := new(network)
	ch := n.dial(t, DialOptions{})
	if got := n.attempts.Load(); got != 0 {
		t.Fatalf("Dial made %d connections", got)
	}
	for range 3 {
		if err := call(t.Context(), ch, once); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.attempts.Load(); got != 1 {
		t.Fatalf("3 calls made %d connections; want 1", got)
	}
}

func TestCallFailsWithTheAttemptThatItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		n.down.Store(true)
		ch := n.dial(t, DialOptions{})
		err := call(t.Context(), ch, once)
		wantError(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if !errors.Is(err, errRefused) {
			t.Errorf("err = %v; want one that wraps the cause", err)
		}
		ch.Close()
	})
}

func TestCallInTheBackoffWaitsForTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		n.down.Store(true)
		ch := n.dial(t, DialOptions{Backoff: Backoff{Base: time.Second}})
		wantError(t, call(t.Context(), ch, once), rpc.Unavailable, rpc.OutcomeNotStarted)
		n.down.Store(false)
		began := time.Now()
		if err := call(t.Context(), ch, once); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited == 0 || waited > time.Second || n.attempts.Load() != 2 {
			t.Errorf("waited %v for attempt %d; want up to 1s for attempt 2", waited, n.attempts.Load())
		}
		ch.Close()
	})
}

func TestCallInTheBackoffFailsAtOnceIfItsTimeIsShorter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		n.down.Store(true)
		ch := n.dial(t, DialOptions{Backoff: Backoff{Base: time.Hour, Max: time.Hour}})
		call(t.Context(), ch, once)
		began := time.Now()
		err := call(rpc.WithTimeout(t.Context(), time.Millisecond), ch, once)
		wantError(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if !errors.Is(err, errRefused) || time.Since(began) != 0 {
			t.Errorf("after %v: %v; want the cause at once", time.Since(began), err)
		}
		ch.Close()
	})
}

func TestPatientCallWaitsUntilItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		n.down.Store(true)
		ch := n.dial(t, DialOptions{WaitForReady: true, Timeout: time.Minute})
		began := time.Now()
		err := call(t.Context(), ch, once)
		e, ok := errors.AsType[*rpc.ContextError](err)
		if !ok || e.Outcome != rpc.OutcomeNotStarted || e.Err != context.DeadlineExceeded ||
			!errors.Is(err, errRefused) {
			t.Errorf("err = %v; want a ContextError with the cause", err)
		}
		if waited := time.Since(began); waited != time.Minute || n.attempts.Load() < 10 {
			t.Errorf("failed after %v and %d attempts; want 1m and many", waited, n.attempts.Load())
		}
		ch.Close()
	})
}

func TestAttemptThatHangsEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		n.hangs.Store(true)
		ch := n.dial(t, DialOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := call(ctx, ch, once); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v; want context.Canceled", err)
		}
		ch.Close()
	})
}

// goingConn is a connection whose server goes away while a call runs.
type goingConn struct {
	netConn
	ended chan struct{}
}

func (c *goingConn) Ended() <-chan struct{} { return c.ended }

// A connection that takes no more calls is closed only when those that run on it have ended.
func TestCallsFinishOnAConnectionThatTakesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		going := &goingConn{netConn: netConn{network: n, done: make(chan struct{})}, ended: make(chan struct{})}
		n.outcome = func(*netConn) error {
			close(going.done)
			n.outcome = nil
			return nil
		}
		ch := newTestChannel(DialOptions{}, func(ctx context.Context) (rpc.Conn, error) {
			if n.outcome != nil {
				return going, nil
			}
			return n.connect(ctx)
		})
		for range 2 {
			if err := call(t.Context(), ch, once); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := n.closed.Load(); got != 0 {
			t.Error("the old connection was closed before its calls had ended")
		}
		close(going.ended)
		synctest.Wait()
		if got := n.closed.Load(); got != 1 {
			t.Errorf("%d connections were closed; want the old one", got)
		}
		ch.Close()
	})
}

func TestConnsSpreadCalls(t *testing.T) {
	n := new(network)
	ch := n.dial(t, DialOptions{Conns: 3})
	seen := make(map[*netConn]int)
	n.outcome = func(c *netConn) error { seen[c]++; return nil }
	for len(seen) < 3 {
		if err := call(t.Context(), ch, once); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.attempts.Load(); got != 3 {
		t.Errorf("%d connections; want 3", got)
	}
}

// While one of the connections cannot be made again, calls use the others.
func TestLostConnectionIsNotPicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		ch := n.dial(t, DialOptions{Conns: 2})
		var last *netConn
		n.outcome = func(c *netConn) error { last = c; return nil }
		for n.attempts.Load() < 2 {
			if err := call(t.Context(), ch, once); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		n.down.Store(true)
		close(last.done)
		began := time.Now()
		for range 100 {
			if err := call(t.Context(), ch, once); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("calls waited %v", took)
		}
		synctest.Wait()
		if got := n.attempts.Load(); got != 3 {
			t.Errorf("%d attempts; want 3, the last of them to replace the lost connection", got)
		}
	})
}

func TestCallAfterCloseFails(t *testing.T) {
	for _, connected := range []bool{false, true} {
		n := new(network)
		ch := n.dial(t, DialOptions{})
		if connected {
			call(t.Context(), ch, once)
		}
		ch.Close()
		wantError(t, call(t.Context(), ch, once), rpc.FailedPrecondition, rpc.OutcomeNotStarted)
	}
}

func TestDefaultDeadlines(t *testing.T) {
	timed := rpc.NewUnary[nothing, nothing](rpc.Method{Service: "test.Test", Name: "timed", Timeout: time.Second})
	tests := []struct {
		name    string
		options DialOptions
		ctx     func(context.Context) context.Context
		method  *rpc.Unary[nothing, nothing, *nothing, *nothing]
		want    time.Duration
	}{
		{"none", DialOptions{}, nil, once, 0},
		{"channel", DialOptions{Timeout: time.Minute}, nil, once, time.Minute},
		{"method before channel", DialOptions{Timeout: time.Minute}, nil, timed, time.Second},
		{"context before all", DialOptions{Timeout: time.Minute}, func(ctx context.Context) context.Context {
			return rpc.WithTimeout(ctx, time.Hour)
		}, timed, time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var expiry time.Time
				test.options.Interceptors = []rpc.Interceptor{func(next rpc.CallFunc) rpc.CallFunc {
					return func(ctx context.Context, c *rpc.Call) error {
						_, expiry = c.Bound(ctx)
						return next(ctx, c)
					}
				}}
				ch := new(network).dial(t, test.options)
				ctx := t.Context()
				if test.ctx != nil {
					ctx = test.ctx(ctx)
				}
				if err := call(ctx, ch, test.method); err != nil {
					t.Fatal(err)
				}
				got := time.Duration(0)
				if !expiry.IsZero() {
					got = time.Until(expiry)
				}
				if got != test.want {
					t.Errorf("the call had %v; want %v", got, test.want)
				}
				ch.Close()
			})
		})
	}
}

func TestCallDoesNotAllocate(t *testing.T) {
	ch := new(network).dial(t, DialOptions{Timeout: time.Minute})
	ctx := t.Context()
	call(ctx, ch, once)
	if n := testing.AllocsPerRun(100, func() { call(ctx, ch, once) }); n > 0 {
		t.Errorf("a call allocates %v times", n)
	}
}

func BenchmarkCall(b *testing.B) {
	ch := newTestChannel(DialOptions{}, new(network).connect)
	defer ch.Close()
	for b.Loop() {
		call(b.Context(), ch, once)
	}
}

func TestBackoffDoublesUpToItsMaximum(t *testing.T) {
	b := Backoff{}.WithDefaults()
	for failures := 1; failures < 100; failures++ {
		limit := 10 * time.Second
		if failures < 8 {
			limit = min(limit, 100*time.Millisecond<<(failures-1))
		}
		longest := time.Duration(0)
		for range 200 {
			longest = max(longest, b.Delay(failures))
		}
		if longest >= limit || longest < limit/2 {
			t.Errorf("after %d failures at most %v of 200 delays; want just below %v", failures, longest, limit)
		}
	}
}

// A connection's end says that it is "unavailable"; a call that cannot have another one says so once.
func TestCauseOfNoConnectionIsToldOnce(t *testing.T) {
	t.Parallel()
	err := link.Unavailable(&once.Method, rpc.NewError(rpc.Unavailable, "the connection is gone"))
	if got, want := err.Error(), "test.Test/once: unavailable: the connection is gone (not started)"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}
