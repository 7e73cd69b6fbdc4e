package mux

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
)

// deadlines wakes the callers of a connection whose deadlines pass: one timer, set to the earliest that it knows of.
type deadlines struct {
	conn *Conn
	next atomic.Int64 // when the timer fires, in nanoseconds since 1970, 0 while it is not set; set with mu held

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

// watch sees to it that the timer fires by expiry.
func (d *deadlines) watch(expiry int64) {
	if next := d.next.Load(); next != 0 && next <= expiry {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if next := d.next.Load(); next == 0 || expiry < next {
		d.setLocked(expiry)
	}
}

func (d *deadlines) setLocked(expiry int64) {
	if d.stopped {
		return
	}
	d.next.Store(expiry)
	wait := time.Until(time.Unix(0, expiry))
	if d.timer == nil {
		d.timer = time.AfterFunc(wait, d.sweep)
		return
	}
	d.timer.Reset(wait)
}

// sweep wakes the callers whose time is over and sets the timer for those that are left.
func (d *deadlines) sweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next.Store(0) // a call that begins from here on sets the timer itself
	expired := false
	now, next := time.Now().UnixNano(), int64(math.MaxInt64)
	d.conn.slots.all(func(p *pending) {
		id, state := p.now()
		if state != stateWaiting {
			return
		}
		expiry := p.expiry.Load()
		switch {
		case expiry == 0:
		case expiry > now:
			next = min(next, expiry)
		case p.move(id, stateWaiting, stateExpired):
			p.expire()
			expired = true
		}
	})
	if expired && d.conn.role.holder.Load() == roleCaller {
		d.conn.in.Conn().Kick()
	}
	if current := d.next.Load(); next < math.MaxInt64 && (current == 0 || next < current) {
		d.setLocked(next)
	}
}

func (d *deadlines) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	if d.timer != nil {
		d.timer.Stop()
	}
}

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
