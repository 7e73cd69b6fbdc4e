package rpc

import (
	"context"
	"time"
)

// A timeoutContext has a deadline but no timer.
type timeoutContext struct {
	context.Context
	deadline time.Time
}

func (c *timeoutContext) Deadline() (time.Time, bool) { return c.deadline, true }

// WithTimeout returns a context for calls that end after d: one small allocation, no timer and nothing to cancel, where
// context.WithTimeout costs several and a timer. Only Yodel's calls heed the deadline: the context's Done is ctx's own.
func WithTimeout(ctx context.Context, d time.Duration) context.Context {
	deadline := time.Now().Add(d)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		return ctx
	}
	return &timeoutContext{ctx, deadline}
}

// Expiry returns when the call ends: the earlier of ctx's deadline and c's; zero for never.
func (c *Call) Expiry(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok || !c.Deadline.IsZero() && c.Deadline.Before(deadline) {
		return c.Deadline
	}
	return deadline
}
