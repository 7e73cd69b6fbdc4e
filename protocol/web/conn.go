package web

import (
	"errors"
	"net"
	"os"
	"time"
)

// A stallWriter writes to a peer that may take as long as it likes, as long as it reads something within the stall
// time.
type stallWriter struct {
	nc    net.Conn
	chunk int // bytes of which the peer has to take some within the stall time
}

// What a peer has to read some of, and inside TLS, where a write that runs out of time cannot go on, all of.
const (
	writeChunk = 64 << 10
	tlsChunk   = 16 << 10
)

// write writes b. setDeadline gives each piece its time.
func (w stallWriter) write(b []byte, setDeadline func() error) (n int, err error) {
	for {
		if err := setDeadline(); err != nil {
			return n, err
		}
		m, err := w.nc.Write(b[n:min(n+w.chunk, len(b))])
		n += m
		slow := m > 0 && w.chunk == writeChunk && errors.Is(err, os.ErrDeadlineExceeded)
		if err != nil && !slow || n == len(b) {
			return n, err
		}
	}
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
