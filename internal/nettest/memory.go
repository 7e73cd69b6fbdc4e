package nettest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memoryBuffer is how many bytes are under way in one direction before a write blocks, as in a socket's buffers.
const memoryBuffer = 64 << 10

// memoryAddr is the address of both ends of a connection in memory.
type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }

// memoryConn is one end of a connection in memory.
type memoryConn struct{ in, out *half }

// MemoryPair returns both ends of a connection in memory.
func MemoryPair() (net.Conn, net.Conn) {
	a, b := newHalf(), newHalf()
	return &memoryConn{a, b}, &memoryConn{b, a}
}

func (c *memoryConn) Read(b []byte) (int, error)         { return c.in.read(b) }
func (c *memoryConn) Write(b []byte) (int, error)        { return c.out.write(b) }
func (c *memoryConn) LocalAddr() net.Addr                { return memoryAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr               { return memoryAddr{} }
func (c *memoryConn) SetReadDeadline(t time.Time) error  { return c.in.readLimit.set(c.in, t) }
func (c *memoryConn) SetWriteDeadline(t time.Time) error { return c.out.writeLimit.set(c.out, t) }

func (c *memoryConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// CanResumeWrites implements [rpc.ResumableConn].
func (c *memoryConn) CanResumeWrites() bool { return true }

// CloseWrite ends the direction out of c.
func (c *memoryConn) CloseWrite() error {
	c.out.end(io.EOF)
	return nil
}

// Close ends both directions. Bytes that were written before can still be read.
func (c *memoryConn) Close() error {
	c.out.end(io.EOF)
	c.in.end(net.ErrClosed)
	return nil
}

// A half is one direction of a connection.
type half struct {
	mu         sync.Mutex
	changed    sync.Cond
	buf        []byte
	err        error // why no more bytes come
	readLimit  limit
	writeLimit limit
}

// A limit is a deadline.
type limit struct {
	passed bool
	timer  *time.Timer
}

func newHalf() *half {
	h := new(half)
	h.changed.L = &h.mu
	return h
}

func (l *limit) set(h *half, t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.passed, l.timer = false, nil
	if t.IsZero() {
		return nil
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(t), func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if l.timer == timer {
			l.passed = true
			h.changed.Broadcast()
		}
	})
	l.timer = timer
	return nil
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.buf) == 0 || h.err == net.ErrClosed {
		switch {
		case h.err != nil:
			return 0, h.err
		case h.readLimit.passed:
			return 0, os.ErrDeadlineExceeded
		}
		h.changed.Wait()
	}
	n := copy(b, h.buf)
	h.buf = h.buf[n:]
	h.changed.Broadcast()
	return n, nil
}

func (h *half) write(b []byte) (written int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(b) > 0 {
		switch {
		case h.err != nil:
			return written, io.ErrClosedPipe
		case h.writeLimit.passed:
			return written, os.ErrDeadlineExceeded
		}
		n := min(len(b), memoryBuffer-len(h.buf))
		if n == 0 {
			h.changed.Wait()
			continue
		}
		h.buf = append(h.buf, b[:n]...)
		b, written = b[n:], written+n
		h.changed.Broadcast()
	}
	return written, nil
}

func (h *half) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil || err == net.ErrClosed {
		h.err = err
	}
	h.changed.Broadcast()
}
