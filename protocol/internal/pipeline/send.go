package pipeline

import (
	"context"
	"net"
	"runtime"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// maxAhead is how many bytes of requests may be on the way or wait at the server before no more are sent. A server
// reads on while a handler runs, to learn of this side's end, and holds what it reads; it stops somewhere.
const maxAhead = 1 << 20

const (
	maxSpare    = 256 << 10            // capacity of a buffer that is kept
	callerTurns = 4                    // writes that a caller makes, for others too, before another goroutine goes on
	callerWait  = 8 * time.Millisecond // for a write that blocks, before another goroutine goes on with it
)

// canSlice reports whether a write on nc may run into a deadline and be taken up again where it ended.
func canSlice(nc net.Conn) bool {
	switch nc := nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	case rpc.ResumableConn:
		return nc.CanResumeWrites()
	}
	return false
}

// send encodes p's request and has it written, by the caller or by whoever writes.
func (c *Conn) send(ctx context.Context, p *pending) error {
	c.mu.Lock()
	for len(c.out) >= maxBacklog && c.err == nil {
		room := c.roomLocked()
		c.mu.Unlock()
		if err := waitForRoom(ctx, p, room); err != nil {
			return err
		}
		c.mu.Lock()
	}
	if err := c.enqueueLocked(p); err != nil {
		c.mu.Unlock()
		return err.For(p.call.Method, rpc.OutcomeNotStarted)
	}
	c.sweepByLocked(p.expiry)
	if c.writing {
		c.mu.Unlock()
		return nil
	}
	c.writing = true
	alone := c.queue.len() == 1
	c.mu.Unlock()
	c.write(alone)
	return nil
}

// enqueueLocked encodes p's request. Where that ends the goroutine, it unlocks.
func (c *Conn) enqueueLocked(p *pending) *rpc.Error {
	if c.err != nil {
		return c.err
	}
	if n := c.queue.len(); n >= c.limits.Calls {
		return rpc.Errorf(rpc.ResourceExhausted, "%d calls wait on the connection, which is its limit", n)
	}
	var (
		b       []byte
		answer  Answer
		refused *rpc.Error
	)
	err := c.guard(p.call.Method).Run("what writes the arguments", func() error {
		b, answer, refused = c.codec.AppendRequest(c.out, p.call)
		return nil
	}, func(*rpc.Error) { c.mu.Unlock() })
	switch {
	case err != nil:
		return err.(*rpc.Error)
	case refused != nil:
		return refused
	}
	e := entry{pending: p, answer: answer, start: c.taken + uint64(len(c.out))}
	if p.stream != nil {
		e.stream = answer.(StreamAnswer)
		p.stream.answer = e.stream
	}
	c.queue.push(e)
	c.out = b
	return nil
}

func (c *Conn) guard(m *rpc.Method) rpc.Guard { return rpc.Guard{Log: c.log, Method: m, Local: true} }

func (c *Conn) roomLocked() <-chan struct{} {
	if c.room == nil {
		c.room = make(chan struct{})
	}
	return c.room
}

func (c *Conn) wakeWaitingLocked() {
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

func waitForRoom(ctx context.Context, p *pending, room <-chan struct{}) error {
	var expired <-chan time.Time
	if !p.expiry.IsZero() {
		timer := time.NewTimer(time.Until(p.expiry))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return rpc.NewContextError(p.call.Method, rpc.OutcomeNotStarted, ctx.Err(), nil)
	case <-expired:
		return rpc.NewContextError(p.call.Method, rpc.OutcomeNotStarted, context.DeadlineExceeded, nil)
	}
}

// write writes what callers have encoded. It runs in a caller's goroutine, so that it neither blocks nor goes on for
// long. Callers that are about to send get the processor first, unless there are none.
func (c *Conn) write(alone bool) {
	if !c.sink.slices {
		c.routines.Go(func() { c.writeRest(c.take(nil), 0) })
		return
	}
	if !alone {
		runtime.Gosched()
	}
	b := c.take(nil)
	for range callerTurns {
		if b == nil {
			return
		}
		n, err := c.sink.try(b, callerWait)
		if err != nil && isTimeout(err) {
			c.wrote(n, nil)
			c.handOver(b, n)
			return
		}
		c.wrote(n, err)
		b = c.take(b)
	}
	if b != nil {
		c.handOver(b, 0)
	}
}

// handOver lets another goroutine go on with what follows the first n bytes of b.
func (c *Conn) handOver(b []byte, n int) {
	c.routines.Go(func() { c.writeRest(b, n) })
}

// writeRest writes what follows the first n bytes of b, and then whatever else there is to write.
func (c *Conn) writeRest(b []byte, n int) {
	for b != nil {
		written, err := c.sink.write(b[n:])
		c.wrote(written, err)
		b, n = c.take(b), 0
	}
}

// aheadLocked reports whether as much was sent without an answer as may be.
func (c *Conn) aheadLocked() bool {
	return c.queue.len() > 0 && int64(c.taken-c.queue.at(c.queue.head).start) >= maxAhead
}

// take returns what is to be written now, or nil if there is no more; then nobody writes. It takes back the buffer that
// it returned before.
func (c *Conn) take(written []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if written != nil && cap(written) <= maxSpare {
		c.spare = written[:0]
	}
	if len(c.out) == 0 || c.err != nil || c.aheadLocked() {
		c.writing = false
		c.idle.Broadcast()
		return nil
	}
	b := c.out
	c.out, c.spare = c.spare[:0], nil
	c.taken += uint64(len(b))
	c.wakeWaitingLocked()
	return b
}

// wrote says that the network took n more bytes, and what kept it from taking all.
func (c *Conn) wrote(n int, err error) {
	if err != nil {
		c.fail(err)
		c.endReading(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent += uint64(n)
}

// endReading closes a connection that cannot be written, unless its last answers, which may say why, are still to come.
func (c *Conn) endReading(err error) {
	if isTimeout(err) {
		c.nc.Close()
		return
	}
	time.AfterFunc(lingerTime, func() { c.nc.Close() })
}
