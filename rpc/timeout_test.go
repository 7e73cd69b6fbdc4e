package rpc_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// parents are contexts to derive one with a timeout from, each with what cancels it; nil for nothing.
var parents = map[string]func() (context.Context, func()){
	"background": func() (context.Context, func()) { return context.Background(), nil },
	"one that can be cancelled": func() (context.Context, func()) {
		ctx, cancel := context.WithCancel(context.Background())
		return ctx, cancel
	},
	"one with a later deadline": func() (context.Context, func()) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		return ctx, cancel
	},
	"one with a later timeout": func() (context.Context, func()) {
		return rpc.WithTimeout(context.Background(), time.Hour), nil
	},
	"one with a later timeout that somebody waits for": func() (context.Context, func()) {
		ctx := rpc.WithTimeout(context.Background(), 2*time.Second)
		ctx.Done()
		return ctx, nil
	},
	"a handler's": func() (context.Context, func()) {
		ctx := rpc.NewServerContext(context.Background(), rpc.CallInfo{Peer: new(rpc.Peer)}, time.Now().Add(time.Hour))
		return ctx, func() { ctx.End() }
	},
	"one of a handler's, with metadata": func() (context.Context, func()) {
		ctx := rpc.NewServerContext(context.Background(), rpc.CallInfo{Peer: new(rpc.Peer)}, time.Time{})
		return rpc.WithMetadata(ctx, "a", "b"), func() { ctx.End() }
	},
}

// children are what programs derive from a context, each with a channel that is closed when it has ended.
var children = map[string]func(context.Context) (ended <-chan struct{}, err func() error, stop func()){
	"itself": func(ctx context.Context) (<-chan struct{}, func() error, func()) {
		return ctx.Done(), ctx.Err, func() {}
	},
	"WithCancel": func(ctx context.Context) (<-chan struct{}, func() error, func()) {
		ctx, cancel := context.WithCancel(ctx)
		return ctx.Done(), func() error { return context.Cause(ctx) }, cancel
	},
	"WithTimeout, later": func(ctx context.Context) (<-chan struct{}, func() error, func()) {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		return ctx.Done(), ctx.Err, cancel
	},
	"WithValue": func(ctx context.Context) (<-chan struct{}, func() error, func()) {
		ctx = context.WithValue(ctx, new(int), 1)
		return ctx.Done(), ctx.Err, func() {}
	},
	"WithMetadata": func(ctx context.Context) (<-chan struct{}, func() error, func()) {
		ctx = rpc.WithMetadata(ctx, "key", "value")
		return ctx.Done(), ctx.Err, func() {}
	},
	"a context of another package": func(ctx context.Context) (<-chan struct{}, func() error, func()) {
		ctx, cancel := context.WithCancel(struct{ context.Context }{ctx})
		return ctx.Done(), ctx.Err, cancel
	},
	"AfterFunc": func(ctx context.Context) (<-chan struct{}, func() error, func()) {
		ended := make(chan struct{})
		stop := context.AfterFunc(ctx, func() { close(ended) })
		return ended, ctx.Err, func() { stop() }
	},
}

// What is derived from a context with a timeout ends when it says that it does, or when its parent ends, whoever looks.
func TestWithTimeoutEnds(t *testing.T) {
	t.Parallel()
	for parent, newParent := range parents {
		for child, derive := range children {
			t.Run(child+" of "+parent, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, _ := newParent()
					ctx := rpc.WithTimeout(p, time.Second)
					ended, why, stop := derive(ctx)
					defer stop()
					time.Sleep(time.Second - 1)
					synctest.Wait()
					if isClosed(ended) || why() != nil || ctx.Err() != nil {
						t.Fatalf("it has ended before its time: %v, %v", why(), ctx.Err())
					}
					time.Sleep(time.Nanosecond)
					synctest.Wait()
					if !isClosed(ended) || !errors.Is(why(), context.DeadlineExceeded) ||
						ctx.Err() != context.DeadlineExceeded {
						t.Errorf("at the deadline: ended %v, %v, %v", isClosed(ended), why(), ctx.Err())
					}
				})
				synctest.Test(t, func(t *testing.T) {
					p, cancel := newParent()
					if cancel == nil {
						return
					}
					ctx := rpc.WithTimeout(p, time.Second)
					ended, why, stop := derive(ctx)
					defer stop()
					cancel()
					synctest.Wait()
					if !isClosed(ended) || !errors.Is(why(), context.Canceled) || ctx.Err() != context.Canceled {
						t.Errorf("when its parent ends: ended %v, %v, %v", isClosed(ended), why(), ctx.Err())
					}
					time.Sleep(time.Hour)
					if ctx.Err() != context.Canceled {
						t.Errorf("after the deadline it says %v", ctx.Err())
					}
				})
			})
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// The end is told also where nobody waits for it, and what it was at first it stays.
func TestWithTimeoutTellsItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(context.Background())
		ctx := rpc.WithTimeout(parent, time.Second)
		time.Sleep(time.Second)
		if ctx.Err() != context.DeadlineExceeded || context.Cause(ctx) != context.DeadlineExceeded {
			t.Errorf("Err is %v, Cause %v", ctx.Err(), context.Cause(ctx))
		}
		cancel()
		if ctx.Err() != context.DeadlineExceeded || !isClosed(ctx.Done()) {
			t.Errorf("after the parent's end Err is %v, Done closed %v", ctx.Err(), isClosed(ctx.Done()))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("a cause")
		parent, cancel := context.WithCancelCause(context.Background())
		ctx := rpc.WithTimeout(parent, time.Second)
		cancel(cause)
		if ctx.Err() != context.Canceled || context.Cause(ctx) != cause {
			t.Errorf("Err is %v, Cause %v; want the parent's", ctx.Err(), context.Cause(ctx))
		}
	})
}

// Contexts that are derived cost no goroutine each.
func TestWithTimeoutStartsNoGoroutines(t *testing.T) { // not parallel, for it counts
	ctx := rpc.WithTimeout(context.Background(), time.Hour)
	before := runtime.NumGoroutine()
	var stops []func()
	for range 100 {
		derived, cancel := context.WithCancel(rpc.WithMetadata(ctx, "key", "value"))
		stop := context.AfterFunc(derived, func() {})
		stops = append(stops, func() { stop(); cancel() })
	}
	if n := runtime.NumGoroutine() - before; n > 10 {
		t.Errorf("100 contexts have %d goroutines", n)
	}
	for _, stop := range stops {
		stop()
	}
}

// What a call costs: the context, whose deadline the protocol keeps itself.
func TestWithTimeoutAllocatesOnce(t *testing.T) {
	ctx := context.Background()
	call := new(rpc.Call)
	if n := testing.AllocsPerRun(100, func() {
		bound, expiry := call.Bound(rpc.WithTimeout(ctx, time.Hour))
		if bound.Done() != nil || expiry.IsZero() {
			t.Fatal("the deadline is not the protocol's")
		}
	}); n > 1 {
		t.Errorf("WithTimeout allocates %v times, want once", n)
	}
	bound, expiry := call.Bound(rpc.WithMetadata(rpc.WithTimeout(ctx, time.Hour), "key", "value"))
	if bound.Done() != nil || expiry.IsZero() || rpc.OutgoingMetadata(bound).Get("key") != "value" {
		t.Errorf("with metadata the deadline is not the protocol's, or the metadata gone")
	}
}

func TestWithTimeoutIsForManyGoroutines(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithCancel(t.Context())
	ctx := rpc.WithTimeout(parent, time.Hour)
	var all sync.WaitGroup
	done := make(chan (<-chan struct{}), 8)
	for range cap(done) {
		all.Go(func() {
			done <- ctx.Done()
			<-ctx.Done()
			if ctx.Err() != context.Canceled {
				t.Errorf("Err is %v", ctx.Err())
			}
		})
	}
	first := <-done
	for range cap(done) - 1 {
		if first != <-done {
			t.Error("Done returns several channels")
		}
	}
	cancel()
	all.Wait()
}
