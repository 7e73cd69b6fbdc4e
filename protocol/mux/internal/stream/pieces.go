package stream

import (
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
)

// An assembly is a message that comes in pieces.
type assembly struct {
	buf   []byte
	total int
}

// begin starts a message in pieces with the first of them.
func (s *Stream) begin(piece []byte, total, cost int) {
	s.publish(false)
	s.change()
	a := &assembly{total: total}
	s.pieces = a
	a.grow(len(piece), false)
	a.buf = append(a.buf, piece...)
	s.mu.Lock()
	if s.failed != nil {
		s.deaf = true
		s.conn.dropped += cost
		s.mu.Unlock()
		return
	}
	s.countLocked(cost)
	s.held += cost
	s.in.missing, s.in.begun = total-len(piece), cost
	var grant bool
	var release int
	if s.waiting && s.in.empty() {
		grant, release = s.claimLocked()
	}
	s.mu.Unlock()
	s.give(grant, release)
}

// grow makes room for n bytes more. A receiver that waits for the message gets it in as few steps as possible: what is
// set aside is bounded by what has come. Else only what may come is.
func (a *assembly) grow(n int, claimed bool) {
	need := len(a.buf) + n
	if need <= cap(a.buf) {
		return
	}
	factor := 2
	if claimed {
		factor = 16
	}
	bigger := transport.Memory(min(a.total, max(need, factor*len(a.buf))))
	a.buf = bigger[:copy(bigger, a.buf)]
}

// rest handles a REST, whose body is still to be read.
func (s *Stream) rest(h frame.Header, in *transport.Input) error {
	n := h.Length
	if err := s.arrive(n); err != nil {
		return err
	}
	if s.deaf && s.pieces == nil {
		s.conn.dropped += n
		return in.Skip(n)
	}
	a := s.pieces
	if a == nil || n > a.total-len(a.buf) {
		return frame.Faultf("a piece of %d bytes on stream %#08x, where no message lacks as many", n, s.id)
	}
	s.mu.Lock()
	if s.failed != nil {
		s.deaf = true
		s.pieces = nil
		s.conn.dropped += n
		s.mu.Unlock()
		return in.Skip(n)
	}
	claimed := s.in.claimed
	s.mu.Unlock()
	have := len(a.buf)
	a.grow(n, claimed)
	a.buf = a.buf[:have+n]
	if err := in.ReadBody(a.buf[have:]); err != nil {
		return err
	}
	s.arrivedPiece(n)
	if len(a.buf) == a.total {
		s.pieces = nil
		s.change()
		s.deliver(a.buf, 0)
	}
	return nil
}

// arrivedPiece counts a piece that has come. Where the receiver waits for its message the bytes are read with that.
func (s *Stream) arrivedPiece(n int) {
	s.mu.Lock()
	s.recv.Arrived(n, s.waiting && s.in.empty(), &s.conn.path, time.Now)
	s.in.missing -= n
	failed, claimed := s.failed != nil, s.in.claimed
	if !failed && !claimed {
		s.held += n
		s.in.begun += n
	}
	s.mu.Unlock()
	if failed || claimed {
		s.conn.dropped += n
	}
}

// claimLocked counts the message that has begun to come as read, since the receiver waits for it: the sender gets
// credit for all of it. What it returns is for give.
func (s *Stream) claimLocked() (grant bool, release int) {
	s.in.claimed = true
	release = s.in.begun
	s.held -= release
	grant = s.recv.Consumed(release+s.in.missing, time.Now)
	s.granted.Store(s.recv.Granted())
	return grant, release
}
