package pipeline

import (
	"errors"
	"net"
	"sync"
	"time"
)

// When the server shuts down a peer that reads nothing gets drainGrace in all, in which its progress is looked at
// several times: the network takes some by itself at first, which must not count as the peer's.
const (
	// bytes that a peer has to take in drainGrace, so that a server which shuts down waits for it
	leastProgress = 16 << 10
	looks         = 5 // in drainGrace
)

// An output writes to a connection with deadlines. It sets the connection's deadline anew only when that has come near,
// since this costs as much as a small write.
type output struct {
	nc     net.Conn
	stall  time.Duration
	slices bool // a write can be given up and taken up again

	mu       sync.Mutex
	deadline time.Time
	hurried  bool // the server shuts down
}

// write writes b. It fails once the peer takes no byte for the stall time, or up to two and a half times as long; when
// it is hurried, once the peer takes next to nothing for drainGrace. What cannot be taken up again is written in parts
// that are small enough to be taken in such a time.
func (o *output) write(b []byte) (written int, err error) {
	var h haste
	for written < len(b) {
		part := b[written:]
		if !o.slices {
			part = part[:min(len(part), leastProgress)]
		}
		hurried := o.isHurried()
		n, err := o.try(part, o.stall)
		written += n
		switch {
		case err == nil:
		case !o.slices || !isTimeout(err):
			return written, err
		case hurried && !h.goOn(n):
			return written, err
		case !hurried && n == 0 && !o.isHurried(): // else hurry has interrupted the write
			return written, err
		}
	}
	return written, nil
}

// A haste counts looks at a write whose peer has little time.
type haste struct {
	looks int // since the peer has taken as much as it has to
	taken int // bytes since then
}

// goOn reports whether to go on with a write that took n bytes until its time was over.
func (h *haste) goOn(n int) bool {
	h.looks++
	h.taken += n
	if h.taken >= leastProgress {
		*h = haste{}
	}
	return h.looks < looks
}

func (o *output) isHurried() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hurried
}

// try writes what the peer takes of b within a time between one and one and a quarter of d, or until the next look at
// it.
func (o *output) try(b []byte, d time.Duration) (int, error) {
	if err := o.setDeadline(d); err != nil {
		return 0, err
	}
	return o.nc.Write(b)
}

func (o *output) setDeadline(d time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, most := time.Now(), d+d/4
	switch {
	case o.hurried && o.slices:
		d, most = drainGrace/looks, drainGrace/looks
	case o.hurried:
		d, most = min(d, drainGrace), drainGrace
	}
	if left := o.deadline.Sub(now); left >= d && left <= most {
		return nil
	}
	o.deadline = now.Add(most)
	return o.nc.SetWriteDeadline(o.deadline)
}

// hurry is called when the server shuts down. It may be called while another goroutine writes, which it interrupts; a
// write that cannot be taken up again has to end in time.
func (o *output) hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hurried = true
	o.deadline = time.Now()
	if !o.slices {
		o.deadline = o.deadline.Add(drainGrace)
	}
	_ = o.nc.SetWriteDeadline(o.deadline)
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
