package mux

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
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
			p.done <- struct{}{}
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
