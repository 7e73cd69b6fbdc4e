package pipeline

import (
	"context"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// Call makes one call.
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
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
	c.mu.Lock()
	if c.queue.holds(p) {
		outcome := c.abandonLocked(p.seq)
		if now := time.Now(); ctx.Err() == context.DeadlineExceeded {
			c.missedLocked(now, outcome)
			c.giveUpSilentLocked(now)
		}
		c.mu.Unlock()
		return rpc.NewContextError(p.call.Method, outcome, ctx.Err(), nil)
	}
	c.mu.Unlock()
	<-p.done
	return p.err
}
