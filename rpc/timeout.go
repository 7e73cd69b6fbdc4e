package rpc

import (
	"context"
	"sync/atomic"
	"time"
)

// A timeoutContext has a deadline, and no timer until somebody waits for its end.
type timeoutContext struct {
	context.Context
	deadline time.Time
	timed    atomic.Pointer[timedContext] // nil until somebody needs it
}

// A timedContext is the context that package context would have made.
type timedContext struct {
	context.Context
	cancel context.CancelFunc
}

// WithTimeout returns a context that ends after d, as context.WithTimeout does, and has nothing to cancel. It is one
// small allocation; a call keeps its deadline as it keeps any, see [Call.Bound], without the timer of package context.
// Whoever else asks for its end, by its Done or by deriving a context from it, starts that timer, which lives until the
// deadline or the end of ctx.
func WithTimeout(ctx context.Context, d time.Duration) context.Context {
	deadline := time.Now().Add(d)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		return ctx
	}
	if t, ok := ctx.(*timeoutContext); ok && t.timed.Load() == nil {
		ctx = t.Context // whose end it shares, but for the later deadline
	}
	return &timeoutContext{Context: ctx, deadline: deadline}
}

func (c *timeoutContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done returns a channel that is closed at the deadline, or when the parent ends.
func (c *timeoutContext) Done() <-chan struct{} { return c.start().Done() }

// Err returns why the context has ended, or nil. What it has said once it says for ever.
func (c *timeoutContext) Err() error {
	if c.timed.Load() == nil && c.Context.Err() == nil && time.Now().Before(c.deadline) {
		return nil
	}
	return c.start().Err()
}

// Value returns the parent's value. Package context finds the timed context by it, and so hangs contexts that are
// derived from c on that without a goroutine each.
func (c *timeoutContext) Value(key any) any {
	if t := c.timed.Load(); t != nil {
		return t.Value(key)
	}
	return c.Context.Value(key)
}

// start returns the context that has the timer.
func (c *timeoutContext) start() *timedContext {
	if t := c.timed.Load(); t != nil {
		return t
	}
	t := new(timedContext)
	t.Context, t.cancel = context.WithDeadline(parent{c.Context, c.Context.Done()}, c.deadline)
	if !c.timed.CompareAndSwap(nil, t) {
		t.cancel()
		return c.timed.Load()
	}
	return t
}

// A parent is the context that a timed one is derived from. Where that is of a type that package context does not know,
// a goroutine of the package's waits for its end and then asks for Err and Value, and a panic there would end the
// process.
type parent struct {
	context.Context
	done <-chan struct{}
}

func (p parent) Done() <-chan struct{} { return p.done }

func (p parent) Err() (err error) {
	select {
	case <-p.done:
	default:
		return nil
	}
	defer func() {
		if recover() != nil || err == nil {
			err = context.Canceled // a context that has ended has to have an error
		}
	}()
	return p.Context.Err()
}

func (p parent) Value(key any) (value any) {
	defer func() { _ = recover() }() // value is nil then
	return p.Context.Value(key)
}

// withValue returns ctx with a value. One of WithTimeout stays outermost, where Bound finds it.
func withValue(ctx context.Context, key, value any) context.Context {
	if t, ok := ctx.(*timeoutContext); ok && t.timed.Load() == nil {
		return &timeoutContext{Context: context.WithValue(t.Context, key, value), deadline: t.deadline}
	}
	return context.WithValue(ctx, key, value)
}

// Bound returns when the call ends, the earlier of c's deadline and ctx's, zero for never; and the context for the rest
// of the call, whose own end by that deadline may be missing. A protocol keeps the deadline itself, and so needs no
// timer of WithTimeout's.
func (c *Call) Bound(ctx context.Context) (_ context.Context, expiry time.Time) {
	expiry, ok := ctx.Deadline()
	if !ok || !c.Deadline.IsZero() && c.Deadline.Before(expiry) {
		expiry = c.Deadline
	}
	if t, ok := ctx.(*timeoutContext); ok {
		ctx = t.Context
	}
	return ctx, expiry
}
