package stream

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/flow"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
)

// claims are the messages of a connection that come in pieces and for which their receivers wait. One that is claimed
// counts as read before it has come, since a message larger than the window would else never be whole. So credit does
// not bound what the connection holds of such messages: this does, for their totals together are most, or less. One for
// which there is no room waits for it, in turn, and holds no more than its stream's window.
//
// mu is taken with a stream's held, and nothing is taken with it held.
type claims struct {
	waiting atomic.Bool // for room

	mu    sync.Mutex
	most  int
	bytes int                  // totals of the messages that are claimed, until their receivers take or drop them
	queue []claim              // those that wait for room
	open  map[*Stream]struct{} // whose message is claimed, or waits for room, and is not whole
	timer *time.Timer
	runs  bool // it does, for there may be some that are open
}

// A claim is a message for which there is no room. Its stream may have gone on to another one.
type claim struct {
	stream *Stream
	number int
	total  int
}

// claimLocked counts the message that has begun to come as read, since the receiver waits for it, or has it wait for
// room. What it returns is for give.
func (s *Stream) claimLocked() (grant bool, release int) {
	b, c := &s.in.begun, s.conn
	b.since = time.Now()
	if !c.claims.add(claim{s, b.number, b.pieces.total}, c) {
		b.queued = true
		return false, 0
	}
	return s.claimedLocked()
}

// claimedLocked is claimLocked where there is room: the sender gets credit for all of the message.
func (s *Stream) claimedLocked() (grant bool, release int) {
	b := &s.in.begun
	b.queued, b.claimed = false, true
	release, b.cost = b.cost, 0
	s.held -= release
	grant = s.recv.Consumed(release+b.missing, time.Now)
	s.granted.Store(s.recv.Granted())
	return grant, release
}

// claim claims the message with that number, for which there is room now. It returns false if it waits no longer.
func (s *Stream) claim(number int) bool {
	s.mu.Lock()
	b := &s.in.begun
	if b.number != number || !b.queued {
		s.mu.Unlock()
		return false
	}
	b.since = time.Now()
	grant, release := s.claimedLocked()
	s.mu.Unlock()
	s.give(grant, release)
	return true
}

// closeLocked takes note that the message that has begun is whole, or is about to be dropped.
func (s *Stream) closeLocked() {
	if b := &s.in.begun; b.claimed || b.queued {
		s.conn.claims.close(s, b.queued)
	}
}

// unclaim gives the room of messages of n bytes to those that wait for it. No lock of a stream is held.
func (c *Conn) unclaim(n int) {
	if n == 0 {
		return
	}
	for {
		m, ok := c.claims.next(n)
		if !ok {
			return
		}
		if n = 0; !m.stream.claim(m.number) {
			n = m.total
		}
	}
}

// add reports whether there is room for m, which else waits for it.
func (c *claims) add(m claim, conn *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[*Stream]struct{}{}
	}
	c.open[m.stream] = struct{}{}
	switch {
	case c.runs:
	case c.timer == nil:
		c.timer = time.AfterFunc(conn.limits.MessageTime, conn.sweep)
	default:
		c.timer.Reset(conn.limits.MessageTime)
	}
	c.runs = true
	if len(c.queue) > 0 || m.total > c.most-c.bytes {
		c.queue = append(c.queue, m)
		c.waiting.Store(true)
		return false
	}
	c.bytes += m.total
	return true
}

// close takes note that the message of s is not open any more. One that is queued waits no longer.
func (c *claims) close(s *Stream, queued bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, s)
	if queued {
		c.queue = slices.DeleteFunc(c.queue, func(m claim) bool { return m.stream == s })
		c.waiting.Store(len(c.queue) > 0)
	}
}

// next takes note of n bytes of room more, and gives some of it to the first that waits, which it returns.
func (c *claims) next(n int) (m claim, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes -= n
	if len(c.queue) == 0 || c.queue[0].total > c.most-c.bytes {
		return m, false
	}
	m = c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1)
	c.waiting.Store(len(c.queue) > 0)
	c.bytes += m.total
	return m, true
}

// opened returns the streams whose messages are open. If there are none the timer need not run.
func (c *claims) opened() []*Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = len(c.open) > 0
	streams := make([]*Stream, 0, len(c.open))
	for s := range c.open {
		streams = append(streams, s)
	}
	return streams
}

// again sets the timer, which has fired.
func (c *claims) again(wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer.Reset(wait)
}

// sweep fails the streams whose messages should be whole by now.
func (c *Conn) sweep() {
	streams := c.claims.opened()
	if len(streams) == 0 {
		return
	}
	granted := c.granted.Load()
	stuck := granted-c.seen.Load() < flow.Least
	wait := c.limits.MessageTime
	for _, s := range streams {
		wait = min(wait, s.checkTime(len(streams), granted, stuck))
	}
	c.claims.again(max(wait, transport.LateEvery))
}

// checkTime fails the stream if the message that has begun is late, or returns how long it has. The connection has so
// many messages under way, and is stuck if it has hardly any credit left, in which case no sender can go on until a
// receiver has read. A claimed message has Limits.MessageTime, and more for what has come of it, times the number of
// those that share the connection; a queued one that time from when the connection's credit was raised for the last
// time.
func (s *Stream) checkTime(share int, granted uint64, stuck bool) time.Duration {
	limits, now := s.conn.limits, time.Now()
	s.mu.Lock()
	b := &s.in.begun
	var late *rpc.Error
	wait := limits.MessageTime
	switch {
	case b.claimed:
		came := min(int64(b.pieces.total-b.missing)*int64(share), math.MaxInt32)
		wait = limits.MessageDeadline(b.since, int(came)).Sub(now)
		if wait <= 0 && !stuck {
			late = rpc.Errorf(rpc.DeadlineExceeded, "a message of the stream was not whole %v after it began",
				limits.MessageTime)
		}
	case b.queued && (!stuck || b.granted != granted):
		b.since, b.granted = now, granted
	case b.queued:
		if wait = limits.MessageDeadline(b.since, 0).Sub(now); wait <= 0 {
			late = rpc.Errorf(rpc.ResourceExhausted, "a message of %d bytes found no room for %v: others that have "+
				"come and are not read take all %d bytes of Limits.Streams; read sooner, send fewer large messages "+
				"at once, or raise it", b.pieces.total, limits.MessageTime, s.conn.own.Streams)
		}
	}
	s.mu.Unlock()
	if late != nil {
		s.Fail(late.For(s.method, rpc.OutcomeUnknown))
		return limits.MessageTime
	}
	return wait
}
