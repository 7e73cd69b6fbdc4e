package pipeline

import (
	"errors"
	"net"
	"time"
)

// An output writes to a connection with deadlines. It sets the connection's deadline anew only when that has come near,
// since this costs as much as a small write.
type output struct {
	nc       net.Conn
	stall    time.Duration
	deadline time.Time
}

// write writes b. It fails once the peer takes no byte for the stall time, or up to two and a half times as long.
func (o *output) write(b []byte) (written int, err error) {
	for written < len(b) {
		n, err := o.try(b[written:], o.stall)
		written += n
		if err != nil && (n == 0 || !isTimeout(err)) {
			return written, err
		}
	}
	return written, nil
}

// try writes what the peer takes of b within a time between one and one and a quarter of d.
func (o *output) try(b []byte, d time.Duration) (int, error) {
	now := time.Now()
	if left := o.deadline.Sub(now); left < d || left > d+d/4 {
		o.deadline = now.Add(d + d/4)
		if err := o.nc.SetWriteDeadline(o.deadline); err != nil {
			return 0, err
		}
	}
	return o.nc.Write(b)
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
