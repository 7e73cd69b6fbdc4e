package mux

import (
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"

	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// silence gives up a connection that the network has swallowed: when nothing has come for Limits.Silence while calls
// are in flight, the server is asked with a PING, and when as long again nothing comes, the connection ends. It looks
// by a timer, which runs while there are calls, so that a call costs no more than a look at whether it does.
type silence struct {
	conn     *Conn
	watching atomic.Bool // the timer runs; set by a caller with mu held, cleared by the timer

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
	reads   uint32 // of the connection, at the last look
	taken   uint64 // bytes that the network had taken of it
	waiting uint64 // the writer that waited for it
	quiet   int    // looks in a row at which nothing had come
}

// silenceLooks is how many looks there are in Limits.Silence.
const silenceLooks = 4

// watch begins to look, for a call has been sent.
func (s *silence) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || !s.watching.CompareAndSwap(false, true) {
		return
	}
	s.quiet, s.reads = 0, s.conn.in.Reads()
	if s.timer == nil {
		s.timer = time.AfterFunc(s.every(), s.look)
		return
	}
	s.timer.Reset(s.every())
}

func (s *silence) every() time.Duration { return max(s.conn.limits.Silence/silenceLooks, 1) }

// look gives the connection up if it has been silent for too long.
func (s *silence) look() {
	if s.isOver() {
		s.conn.die(fmt.Errorf("nothing came from the server for %v while calls were waiting, nor did it answer a PING",
			2*s.conn.limits.Silence))
	}
}

// isOver looks whether anything has come since it last did.
func (s *silence) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn
	if s.stopped || s.pause() {
		return false
	}
	reads := c.in.Reads()
	taken, waiting := c.out.Progress()
	slow := waiting != 0 && waiting == s.waiting && taken != s.taken // a network that takes long over a large message
	if reads != s.reads || slow {
		s.quiet = 0
	} else {
		s.quiet++
	}
	s.reads, s.taken, s.waiting = reads, taken, waiting
	switch s.quiet {
	case silenceLooks:
		_ = c.out.Append(frame.Append(nil, frame.Header{Type: frame.TypePing}, []byte("silence?")), false, nil)
	case 2 * silenceLooks:
		return true
	}
	s.timer.Reset(s.every())
	return false
}

// pause stops looking while no calls are in flight, and reports whether it has.
func (s *silence) pause() bool {
	if s.conn.slots.taken.Load() > 0 {
		return false
	}
	s.watching.Store(false)
	return s.conn.slots.taken.Load() == 0 || !s.watching.CompareAndSwap(false, true) // a call may have looked before
}

func (s *silence) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
}
