package pipeline

import (
	"context"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// Call makes a call, unary or, where the codec has a [StreamAnswer], with a stream of results.
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
	if call.Body != nil {
		return c.callStream(ctx, call)
	}
	ctx, expiry := call.Bound(ctx)
	p := c.pendings.Get().(*pending)
	p.call, p.expiry = call, expiry
	err := c.call(ctx, p)
	p.call, p.err = nil, nil
	c.pendings.Put(p)
	return err
}

func (c *Conn) call(ctx context.Context, p *pending) error {
	if err := ended(ctx, p); err != nil {
		return err
	}
	end := ctx.Done() // while nothing is sent yet, for a context may be of a type of the caller's own
	if err := c.send(ctx, p); err != nil {
		return err
	}
	if end == nil {
		<-p.done
		return p.err
	}
	select {
	case <-p.done:
		return p.err
	case <-end:
		return c.giveUp(ctx, p)
	}
}

// ended returns the error of a call that has no time left before it starts.
func ended(ctx context.Context, p *pending) error {
	err := ctx.Err()
	if err == nil && !p.expiry.IsZero() && !time.Now().Before(p.expiry) {
		err = context.DeadlineExceeded
	}
	if err == nil {
		return nil
	}
	return rpc.NewContextError(p.call.Method, rpc.OutcomeNotStarted, err, nil)
}

// giveUp ends a call whose context has ended, unless it is being settled.
func (c *Conn) giveUp(ctx context.Context, p *pending) error {
	outcome, left := c.abandon(p)
	if !left {
		<-p.done
		return p.err
	}
	cause := ctx.Err() // without the lock and when p is out of the queue, for a context of the caller's own may panic
	if cause == context.DeadlineExceeded {
		c.missedDeadline(outcome)
	}
	return rpc.NewContextError(p.call.Method, outcome, cause, nil)
}

// abandon takes p out of the queue. It returns false when p is being settled.
func (c *Conn) abandon(p *pending) (o rpc.Outcome, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.queue.holds(p) {
		return 0, false
	}
	return c.abandonLocked(p.seq), true
}

// missedDeadline takes note that a call ended with its context's deadline.
func (c *Conn) missedDeadline(o rpc.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.missedLocked(now, o)
	c.giveUpSilentLocked(now)
}
