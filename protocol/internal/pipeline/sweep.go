package pipeline

import (
	"context"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

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
