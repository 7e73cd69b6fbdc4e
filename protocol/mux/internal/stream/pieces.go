package stream

import (
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
)

// An assembly is a message that comes in pieces.
type assembly struct {
	total int
	have  int    // bytes that have come; of the connection's reader
	buf   []byte // with room for these; with the stream's mu held
}

// begin starts a message in pieces with the first of them.
func (s *Stream) begin(piece []byte, total, cost int) {
	s.publish(false)
	s.change()
	s.mu.Lock()
	if s.failed != nil {
		s.deaf = true
		s.conn.dropped += cost
		s.mu.Unlock()
		return
	}
	s.countLocked(cost)
	s.held += cost
	a := &assembly{total: total, have: len(piece)}
	copy(a.grow(0, len(piece), false), piece)
	s.pieces = a
	s.in.begun = begun{pieces: a, number: s.in.begun.number + 1, missing: total - len(piece), cost: cost}
	var grant bool
	var release int
	if s.waiting && s.in.empty() {
		grant, release = s.claimLocked()
	}
	s.mu.Unlock()
	s.give(grant, release)
}

// grow makes room for n bytes behind those that have come, and returns it. A receiver that waits for the message gets
// it in as few steps as possible. Else hardly more is set aside than comes, which the credit counts.
func (a *assembly) grow(have, n int, claimed bool) []byte {
	if have+n > cap(a.buf) {
		factor := 2
		if claimed {
			factor = transport.AssemblyFactor
		}
		bigger := transport.Memory(transport.AssemblyRoom(have, n, a.total, factor))
		a.buf = bigger[:copy(bigger, a.buf)]
	}
	a.buf = a.buf[:have+n]
	return a.buf[have:]
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
	if a == nil || n > a.total-a.have {
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
	dst := a.grow(a.have, n, s.in.begun.claimed)
	s.mu.Unlock()
	if err := in.ReadBody(dst); err != nil {
		return err
	}
	a.have += n
	if a.have == a.total {
		s.pieces = nil
		s.change()
	}
	s.arrivedPiece(n)
	return nil
}

// arrivedPiece counts a piece that has come, and hands the message to the receiver if it is whole. Where the receiver
// waits for its message the bytes are read with that.
func (s *Stream) arrivedPiece(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recv.Arrived(n, s.waiting && s.in.empty(), &s.conn.path, time.Now)
	if s.failed != nil {
		s.conn.dropped += n
		s.deaf = true
		return
	}
	b := &s.in.begun
	b.missing -= n
	if b.claimed {
		s.conn.dropped += n
	} else {
		s.held += n
		b.cost += n
	}
	if b.missing > 0 {
		return
	}
	e := entry{buf: b.pieces.buf, owned: true, cost: b.cost}
	if b.claimed {
		e.cost, e.room = 0, b.pieces.total
	}
	s.closeLocked()
	*b = begun{number: b.number}
	s.in.add(e)
}
