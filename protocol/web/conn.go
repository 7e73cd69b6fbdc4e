package web

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// writeChunk is how much of a write a peer has to take within the stall time.
const writeChunk = 64 << 10

// A conn is a network connection of either side. It limits how long the peer may not read, and the time until the first
// request of a server's, and says when it has been closed.
type conn struct {
	net.Conn
	peer   *rpc.Peer // nil at the client's end
	head   []byte    // read before, but not yet by the reader
	stall  time.Duration
	closed chan struct{}
	close  func() error

	mu      sync.Mutex
	firstBy time.Time // when the first request has to be there; zero once it is, and for a client's
}

func newConn(nc net.Conn, head []byte, stall time.Duration) *conn {
	c := &conn{Conn: nc, head: head, stall: stall, closed: make(chan struct{})}
	c.close = sync.OnceValue(func() error {
		defer close(c.closed)
		return nc.Close()
	})
	return c
}

// arrived says that the first request, or a later one, is there.
func (c *conn) arrived() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.firstBy.IsZero() {
		c.firstBy = time.Time{}
		_ = c.Conn.SetReadDeadline(time.Time{})
	}
}

// SetReadDeadline sets the deadline to t, but not past the time for the first request.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.firstBy.IsZero() && (t.IsZero() || t.After(c.firstBy)) {
		t = c.firstBy
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) Close() error { return c.close() }

func (c *conn) Read(b []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(b, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

func (c *conn) Write(b []byte) (n int, err error) {
	for {
		chunk := b[n:min(n+writeChunk, len(b))]
		if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(chunk)
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// A stallReader reads a body whose sender may pause for the stall time. Where a deadline cannot be set the connection
// has ended, which the next read tells, unless the body is here already.
type stallReader struct {
	io.Reader
	setReadDeadline func(time.Time) error
	stall           time.Duration
}

func (r *stallReader) Read(b []byte) (int, error) {
	_ = r.setReadDeadline(time.Now().Add(r.stall))
	return r.Reader.Read(b)
}

// readBody reads at most limit bytes of body, which is too long if it gets one more.
func (r *stallReader) readBody(limit int) (body []byte, tooLong bool, err error) {
	body, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
	tooLong = len(body) > limit
	if err == nil && !tooLong {
		_ = r.setReadDeadline(time.Time{}) // the next message may take its time
	} // else the deadline stays for what net/http still reads of the body
	return body, tooLong, err
}
