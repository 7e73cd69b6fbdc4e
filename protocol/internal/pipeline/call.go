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

// abandonLocked takes the call with the given number out of the queue. One of which no byte was given to a writer is
// withdrawn; of another the place in the order stays.
func (c *Conn) abandonLocked(seq uint64) rpc.Outcome {
	e := c.queue.at(seq)
	if e.start < c.taken {
		e.pending = nil
		return rpc.OutcomeUnknown
	}
	from, to := int(e.start-c.taken), len(c.out)
	if seq+1 < c.queue.tail {
		to = int(c.queue.at(seq+1).start - c.taken)
	}
	c.out = append(c.out[:from], c.out[to:]...)
	c.queue.remove(seq, uint64(to-from))
	c.wakeWaitingLocked()
	return rpc.OutcomeNotStarted
}

// sweep ends the calls whose time is over.
func (c *Conn) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next := time.Now(), time.Time{}
	defer c.giveUpSilentLocked(now)
	for seq := c.queue.tail; seq > c.queue.head; seq-- {
		p := c.queue.at(seq - 1).pending
		switch {
		case p == nil || p.expiry.IsZero():
		case !now.Before(p.expiry):
			outcome := c.abandonLocked(seq - 1)
			c.missedLocked(now, outcome)
			p.settle(rpc.NewContextError(p.call.Method, outcome, context.DeadlineExceeded, nil))
		case next.IsZero() || p.expiry.Before(next):
			next = p.expiry
		}
	}
	c.sweepAt = next
	if !next.IsZero() {
		c.sweeper.Reset(next.Sub(now))
	}
}

// maxMissed is how many deadlines in a row may pass before the connection is given up.
const maxMissed = 3

// missedLocked counts a deadline that has passed without an answer.
func (c *Conn) missedLocked(now time.Time, o rpc.Outcome) {
	if o != rpc.OutcomeUnknown {
		return // the call was not sent
	}
	if c.missed++; c.missed == 1 {
		c.silent = now
	}
}

// giveUpSilentLocked ends a connection on which deadlines pass and nothing comes: the network may have swallowed it,
// and would let no call through for minutes. A server that is busy with one handler looks the same, so it gets
// Limits.Silence.
func (c *Conn) giveUpSilentLocked(now time.Time) {
	if c.missed < maxMissed || now.Sub(c.silent) < c.limits.Silence {
		return
	}
	c.failLocked(errSilent)
	_ = c.nc.Close() // which ends the reader
}

func (c *Conn) sweepByLocked(expiry time.Time) {
	if expiry.IsZero() || !c.sweepAt.IsZero() && !expiry.Before(c.sweepAt) {
		return
	}
	c.sweepAt = expiry
	c.sweeper.Reset(time.Until(expiry))
}
