package pipeline

import (
	"errors"
	"net"
	"sync"
	"time"
)

// leastProgress is how many bytes a peer has to take in lastWords, so that a server which shuts down waits for it.
const leastProgress = 16 << 10

// An output writes to a connection with deadlines. It sets the connection's deadline anew only when that has come near,
// since this costs as much as a small write.
type output struct {
	nc    net.Conn
	stall time.Duration

	mu       sync.Mutex
	deadline time.Time
	hurried  bool // the server shuts down
}

// write writes b. It fails once the peer takes no byte for the stall time, or up to two and a half times as long; when
// it is hurried, once the peer takes next to nothing for lastWords, or up to two and a half times as long.
func (o *output) write(b []byte) (written int, err error) {
	for written < len(b) {
		wait, least := o.patience()
		n, err := o.try(b[written:], wait)
		written += n
		if err != nil && (n < least || !isTimeout(err)) {
			return written, err
		}
	}
	return written, nil
}

// patience returns how long to wait for the peer to take at least how many bytes.
func (o *output) patience() (wait time.Duration, least int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hurried {
		return lastWords, leastProgress
	}
	return o.stall, 1
}

// try writes what the peer takes of b within a time between one and one and a quarter of d.
func (o *output) try(b []byte, d time.Duration) (int, error) {
	if err := o.setDeadline(d); err != nil {
		return 0, err
	}
	return o.nc.Write(b)
}

func (o *output) setDeadline(d time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hurried {
		d = min(d, lastWords)
	}
	now := time.Now()
	if left := o.deadline.Sub(now); left >= d && left <= d+d/4 {
		return nil
	}
	o.deadline = now.Add(d + d/4)
	return o.nc.SetWriteDeadline(o.deadline)
}

// hurry is called when the server shuts down. It may be called while another goroutine writes.
func (o *output) hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hurried = true
	o.deadline = time.Now().Add(lastWords)
	_ = o.nc.SetWriteDeadline(o.deadline)
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
