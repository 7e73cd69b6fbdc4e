package web

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/internal/linger"
	"github.com/yodelrpc/yodel/rpc"
)

// A state is where a server's connection is between two requests. Over HTTP/2 it is fresh and then active.
type state int

const (
	fresh  state = iota // before the first request, of which bytes may have come
	active              // a request's header is there, its answer not
	idle                // after an answer, and no byte since
	begun               // after an answer, and in the middle of a header
)

// A serverConn is a connection that net/http serves. It lies between net/http and the network to know what net/http
// does not tell: whether a request has begun, and how long the header may still take. So a server that shuts down ends
// it only where no byte of a request has been read.
type serverConn struct {
	net.Conn
	limits rpc.ServerLimits
	peer   *rpc.Peer
	out    stallWriter
	head   []byte // read before, but not yet by net/http; a watch's while there is one
	http2  bool   // set before net/http gets it

	answers budget // of HTTP/2: what handlers may make, and peers have not read
	bodies  budget // of HTTP/2: what large requests hold

	closed  chan struct{} // closed at the end
	closing sync.Once     // closes closed

	mu         sync.Mutex
	state      state
	timedOut   bool      // the peer was told so: nothing is written any more
	ended      bool      // the connection was cut: requests end as they begin
	lingered   bool      // linger was called, or there is no time for that
	wish       time.Time // the deadline that net/http wants for reads
	by         time.Time // when what the state waits for has to be there; zero for never
	frames     frames    // of HTTP/2
	frameBy    time.Time // when the one that has begun has to be whole; zero if none has
	writeWish  time.Time // the deadline that a handler wants for writes
	writing    bool
	drainBy    time.Time // when what has begun has to be there, once the server shuts down; zero before
	requests   map[*request]bool
	used       bool   // a handler returned since the server shuts down: the end of its answer may be on its way
	hijacked   bool   // a handler has taken the connection from net/http, which will not close it
	watch      *watch // nil while there is none
	sawLength  bool   // a Content-Length came, in whatever request
	lengthTail []byte // the end of what was read: the name may be cut
}

// Times that peers have once the server shuts down. After drainGrace only connections are left whose handlers run.
const (
	begunGrace = 750 * time.Millisecond // to send the rest of a request, and to begin the first one
	drainGrace = time.Second
	idleGrace  = 100 * time.Millisecond // to send another request on a connection that was used; it is answered
	lingerTime = 500 * time.Millisecond // to close the connection in turn, so that no reset destroys what was sent
)

func newServerConn(nc net.Conn, head []byte, peer *rpc.Peer, limits rpc.ServerLimits) *serverConn {
	c := &serverConn{Conn: nc, limits: limits, peer: peer, head: head, closed: make(chan struct{})}
	c.out = stallWriter{nc, writeChunk}
	if peer.TLS != nil {
		c.out.chunk = tlsChunk
	}
	c.by = peer.FirstBy(limits)
	c.requests = make(map[*request]bool)
	c.answers.size = limits.Answers
	c.bodies.size, c.bodies.unread = 2*min(limits.Message, math.MaxInt/2), unreadBodies
	_ = c.SetReadDeadline(time.Time{})
	return c
}

// preface is how a connection of HTTP/2 begins, as far as no other does.
const preface = "PRI * HT"

// detect reads until it knows which version of HTTP the peer speaks, and reports whether it does.
func (c *serverConn) detect() bool {
	for len(c.head) < len(preface) && string(c.head) == preface[:len(c.head)] {
		var buf [len(preface)]byte
		n, err := c.read(buf[:len(preface)-len(c.head)])
		if err != nil {
			return false
		}
		c.head = append(c.head, buf[:n]...)
	}
	c.http2 = bytes.HasPrefix(c.head, []byte(preface))
	return true
}

func (c *serverConn) Read(b []byte) (int, error) {
	c.stopWatch()
	n, err := copy(b, c.head), error(nil)
	if c.head = c.head[n:]; len(c.head) == 0 {
		c.head = nil
	}
	if n == 0 {
		n, err = c.read(b)
	}
	if n > 0 {
		c.received(b[:n])
		if len(b) == 1 {
			c.startWatch()
		}
	}
	return n, err
}

// read reads from the network. Where a request does not come in time it answers 408, and ends the connection.
func (c *serverConn) read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.late() {
		c.sendTimeout()
		return 0, io.EOF
	}
	return n, err
}

// late reports whether a read that ran out of time ends the connection: not while a handler runs, where net/http itself
// ends its reading ahead so.
func (c *serverConn) late() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state != active && !c.http2
}

// received notes that bytes came.
func (c *serverConn) received(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http2 {
		c.receivedFramesLocked(b)
		return
	}
	c.lookForLengthLocked(b)
	if c.state == idle {
		c.state = begun
		c.by = earlier(time.Now().Add(c.limits.FirstByte), c.drainBy)
		_ = c.setReadDeadlineLocked()
	}
}

// receivedFramesLocked gives a frame or a header of several that has begun its time as a whole.
func (c *serverConn) receivedFramesLocked(b []byte) {
	by := time.Time{}
	c.frames.received(b, time.Now())
	if !c.frames.began.IsZero() {
		by = c.limits.MessageDeadline(c.frames.began, c.frames.n)
	}
	if by != c.frameBy {
		c.frameBy = by
		_ = c.setReadDeadlineLocked()
	}
}

// lookForLengthLocked notes a Content-Length among what was read. net/http deletes it from a request that has a
// Transfer-Encoding as well, which has to end the connection (RFC 9112, section 6.1): whoever passed the request on may
// have gone by the other. In doubt, such as where the name stands in a body, a chunked request ends it needlessly.
func (c *serverConn) lookForLengthLocked(b []byte) {
	const name = "content-length"
	if c.sawLength {
		return
	}
	b = append(c.lengthTail, b...)
	for at := 0; !c.sawLength; {
		dash := bytes.IndexByte(b[at:], '-')
		if dash < 0 {
			break
		}
		at += dash + 1
		start := at - len("content-")
		c.sawLength = start >= 0 && start+len(name) <= len(b) && bytes.EqualFold(b[start:start+len(name)], []byte(name))
	}
	c.lengthTail = append([]byte(nil), b[max(0, len(b)-len(name)):]...)
}

func (c *serverConn) hadLength() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sawLength
}

// begin notes that the header of a request is there.
func (c *serverConn) begin(r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.by = active, time.Time{}
	_ = c.setReadDeadlineLocked()
	c.requests[r] = true
	r.by = c.drainBy // nobody else has r yet
	if c.ended {
		r.cancel()
	}
}

// end notes that the handler of r has returned, and whether the end of its answer is worth waiting for.
func (c *serverConn) end(r *request, answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.requests, r)
	if c.drainBy.IsZero() {
		return
	}
	c.used = c.used || answered
	if c.hijacked { // where the handler returned before the drain, cutUnused ends it
		time.AfterFunc(drainGrace, c.Cut)
	}
}

func (c *serverConn) setHijacked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hijacked = true
}

// answered notes that the answer to a request of HTTP/1 has been written, and that another may come.
func (c *serverConn) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = idle
	if !c.drainBy.IsZero() {
		c.by = time.Now().Add(idleGrace)
	}
	_ = c.setReadDeadlineLocked()
}

// Drain gives what has begun the time to become whole, begunGrace, and what has not a moment.
func (c *serverConn) Drain() {
	by := time.Now().Add(begunGrace)
	c.mu.Lock()
	c.drainBy = by
	switch {
	case c.state == idle && !c.http2:
		c.by = time.Now().Add(idleGrace)
	case c.state != active:
		c.by = earlier(c.by, by)
	}
	_ = c.setReadDeadlineLocked()
	if c.writing {
		_ = c.setWriteDeadlineLocked()
	}
	var requests []*request
	for r := range c.requests {
		requests = append(requests, r)
	}
	c.mu.Unlock()
	for _, r := range requests {
		r.drain(by)
	}
}

func (c *serverConn) draining() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.drainBy.IsZero()
}

// cutUnused cuts the connection if no handler has run since the server shuts down, or if nothing but the peer's end is
// missing.
func (c *serverConn) cutUnused() {
	c.mu.Lock()
	unused := len(c.requests) == 0 && !c.used || c.lingered
	c.mu.Unlock()
	if unused {
		c.Cut()
	}
}

// SetReadDeadline sets the deadline to t, but not past the time that the state has.
func (c *serverConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wish = t
	return c.setReadDeadlineLocked()
}

func (c *serverConn) setReadDeadlineLocked() error {
	if c.watch != nil && c.watch.stopping {
		return c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	return c.Conn.SetReadDeadline(earlier(earlier(c.wish, c.by), c.frameBy))
}

// SetWriteDeadline sets the deadline to t, but not past the stall time.
func (c *serverConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeWish = t
	if !c.writing {
		return nil
	}
	return c.setWriteDeadlineLocked()
}

// setWriteDeadlineLocked gives the peer the time to read something.
func (c *serverConn) setWriteDeadlineLocked() error {
	stall := c.limits.Stall
	if !c.drainBy.IsZero() {
		stall = min(stall, drainGrace)
	}
	return c.Conn.SetWriteDeadline(earlier(time.Now().Add(stall), c.writeWish))
}

func (c *serverConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *serverConn) Write(b []byte) (int, error) {
	defer c.setWriting(false)
	n, err := c.out.write(b, func() error {
		if !c.setWriting(true) {
			return net.ErrClosed
		}
		return nil
	})
	if err != nil {
		c.breakOff()
	}
	return n, err
}

// breakOff is called once a write has failed, so that the end does not wait for a peer that does not read, or is gone:
// neither to linger, nor to be told of the end of TLS, which [tls.Conn.Close] tries for 5 s.
func (c *serverConn) breakOff() {
	c.mu.Lock()
	c.lingered = true
	c.mu.Unlock()
	if inner, ok := c.Conn.(*tls.Conn); ok {
		_ = inner.NetConn().Close()
	}
}

func (c *serverConn) setWriting(now bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = now
	return !now || !c.timedOut && c.setWriteDeadlineLocked() == nil
}

// timeout tells the peer that no request has been read: neither one that is on its way nor half of one has been run,
// nor will be (RFC 9110, section 15.5.9).
const timeout = "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nContent-Length: 102\r\n" +
	"Connection: close\r\n\r\n" +
	`{"error": {"type": "unavailable", "message": "no whole request was read before the connection ended"}}`

func (c *serverConn) sendTimeout() {
	io.WriteString(c, timeout) // where the peer is gone, nobody misses it
	c.mu.Lock()
	c.timedOut = true
	c.mu.Unlock()
	c.linger()
}

// Close ends the connection, once the peer has had the time to read what was written.
func (c *serverConn) Close() error {
	if !c.http2 {
		c.linger()
	}
	err := c.Conn.Close()
	c.closing.Do(func() { close(c.closed) })
	return err
}

// linger ends the writing side and reads what still comes, for as long as lingerTime, where neither was done before.
func (c *serverConn) linger() {
	c.stopWatch()
	c.mu.Lock()
	done := c.lingered
	c.lingered = true
	c.mu.Unlock()
	if !done {
		linger.End(c.Conn, time.Now().Add(lingerTime))
	}
}

// Cut ends the connection at once, and with it the contexts of its handlers: net/http may not be reading, and not
// notice.
func (c *serverConn) Cut() {
	c.mu.Lock()
	c.lingered, c.ended = true, true
	c.mu.Unlock()
	c.Conn.Close()
	c.cancelRequests()
	c.closing.Do(func() { close(c.closed) })
}
