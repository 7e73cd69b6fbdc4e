package pipeline

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

const (
	flushSize = 64 << 10               // answers are written at the latest when they are so many bytes
	lastWords = time.Second            // for a peer to read why its connection ends, or to end a request at a shutdown
	farewell  = 100 * time.Millisecond // for a peer to read its answers when the server shuts down
	glance    = time.Millisecond       // for a read to take what has arrived; one with no time at all would not look
)

// Why a connection ended, where no other error says it.
var (
	errDrained   = errors.New("the server shuts down") // it answered what it had to
	errNoRequest = errors.New("no request came in the time for the first one")
)

// A serverConn is one connection. Its goroutine reads requests, runs handlers and writes answers, many at a time where many
// requests have arrived. Where that takes long a second goroutine, the watch, writes the answers that are ready and reads
// on, to learn of the connection's end.
type serverConn struct {
	s       *Server
	nc      net.Conn
	peer    *rpc.Peer
	in      input
	firstBy time.Time // when the first request has to have begun
	heard   bool      // a whole request
	watch   watch

	current atomic.Pointer[rpc.ServerContext] // of the handler that runs
	ended   atomic.Bool                       // the peer is gone or the connection was cut

	outMu  sync.Mutex
	out    []byte // answers that are not written yet
	sink   output
	outErr error // ends all writing

	readMu   sync.Mutex
	reading  bool      // the connection's goroutine waits for bytes
	limited  bool      // its read has a deadline
	draining bool      // the connection ends when what has arrived is answered
	drainBy  time.Time // when a request that has arrived in part has to be whole
	glanced  bool      // what had arrived when the server shut down has been read
}

func newServerConn(s *Server, nc net.Conn, head []byte, peer *rpc.Peer) *serverConn {
	c := &serverConn{
		s: s, nc: nc, peer: peer, in: newInput(head), firstBy: peer.FirstBy(s.limits),
		sink: output{nc: nc, stall: s.limits.Stall},
	}
	c.watch.init(c)
	return c
}

func (c *serverConn) serve() {
	err := c.run()
	c.end()
	if refused, ok := errors.AsType[*rpc.Error](err); ok {
		if c.lastAnswer(refused) == nil {
			hangUp(c.nc, lastWords)
		}
	} else if err == errDrained {
		hangUp(c.nc, farewell)
	}
	if err != io.EOF && err != errDrained && !errors.Is(err, net.ErrClosed) {
		c.s.log.Warn("connection ended", "protocol", c.s.protocol, "peer", c.peer.Addr, "reason", err)
	}
	c.nc.Close()
	c.watch.close()
}

// run answers requests until the connection ends.
func (c *serverConn) run() error {
	for {
		if err := c.answerAll(); err != nil {
			return err
		}
		if err := c.flush(); err != nil {
			return err
		}
		if err := c.read(); err != nil {
			return err
		}
	}
}

// answerAll answers all requests that are there.
func (c *serverConn) answerAll() error {
	message, ok, err := c.in.next(c.s.codec)
	if !ok {
		return err
	}
	c.heard = true
	c.watch.start()
	defer c.watch.stop()
	for ok && err == nil {
		if err = c.answer(message); err == nil {
			message, ok, err = c.in.next(c.s.codec)
		}
	}
	return err
}

func (c *serverConn) answer(message []byte) error {
	route, call, refused := decode(c.s.codec, c.s.log, rpc.CallInfo{Peer: c.peer}, message)
	if refused != nil {
		return c.refuse(refused)
	}
	defer call.Release()
	err := c.invoke(route, call)
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.out, _ = appendAnswer(c.s.codec, c.s.limits.Message, c.out, call, err)
	return c.flushFullLocked()
}

// refuse answers a request that has no call.
func (c *serverConn) refuse(reason *rpc.Error) error {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.out = c.s.codec.AppendFailure(c.out, systemFailure(reason))
	return c.flushFullLocked()
}

// lastAnswer refuses what follows the requests that could be told apart.
func (c *serverConn) lastAnswer(reason *rpc.Error) error {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.out = c.s.codec.AppendFailure(c.out, systemFailure(reason))
	return c.flushLocked()
}

func (c *serverConn) invoke(route *rpc.Route, call *rpc.Call) error {
	var deadline time.Time
	if limit := c.s.limits.CallTime; limit > 0 {
		deadline = time.Now().Add(limit)
	}
	ctx := rpc.NewServerContext(nil, rpc.CallInfo{Peer: c.peer, Method: route.Method}, deadline)
	c.current.Store(ctx)
	if c.ended.Load() {
		ctx.Cancel(context.Canceled)
	}
	err := route.Invoke(ctx, call)
	ctx.Cancel(context.Canceled)
	return err
}

// end ends the context of the handler that runs, and of those to come.
func (c *serverConn) end() {
	c.ended.Store(true)
	if ctx := c.current.Load(); ctx != nil {
		ctx.Cancel(context.Canceled)
	}
}

// flush writes the answers that are ready.
func (c *serverConn) flush() error {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	return c.flushLocked()
}

// flushFullLocked flushes between two handlers if there is much to write.
func (c *serverConn) flushFullLocked() error {
	if len(c.out) < flushSize {
		return nil
	}
	c.watch.stop()
	defer c.watch.start()
	return c.flushLocked()
}

func (c *serverConn) flushLocked() error {
	if len(c.out) == 0 || c.outErr != nil {
		return c.outErr
	}
	_, c.outErr = c.sink.write(c.out)
	c.out = c.out[:0]
	if cap(c.out) > 2*flushSize {
		c.out = nil
	}
	return c.outErr
}

// read waits for more bytes, for those of a message that has begun, or of the first one, only so long.
func (c *serverConn) read() error {
	partial := c.in.pending() > 0
	if !c.beginRead(partial) {
		return errDrained
	}
	n, err := c.watch.read(c.in.room())
	c.in.filled(n)
	interrupted, draining := c.endRead()
	switch {
	case n > 0, interrupted:
		return nil
	case draining:
		return errDrained
	case partial && err == io.EOF:
		return io.ErrUnexpectedEOF
	case isTimeout(err) && partial:
		return stallError(c.stall())
	case isTimeout(err):
		return errNoRequest
	}
	return err
}

// stall returns how long the peer may pause in the middle of a message.
func (c *serverConn) stall() time.Duration {
	if c.heard {
		return c.s.limits.Stall
	}
	return min(c.s.limits.FirstByte, c.s.limits.Stall)
}

// beginRead gives the next read its deadline. There is none any more if the server shuts down and has read what had
// arrived.
func (c *serverConn) beginRead(partial bool) bool {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	switch {
	case c.draining && partial:
		c.setReadDeadlineLocked(c.drainBy)
	case c.draining && c.glanced:
		return false
	case c.draining:
		c.glanced = true
		c.setReadDeadlineLocked(time.Now().Add(glance))
	case partial:
		c.setReadDeadlineLocked(time.Now().Add(c.stall()))
	case !c.heard: // at the most what is no request, such as blank lines
		c.setReadDeadlineLocked(c.firstBy)
	}
	c.reading = true
	return true
}

func (c *serverConn) setReadDeadlineLocked(t time.Time) {
	c.limited = !t.IsZero()
	_ = c.nc.SetReadDeadline(t)
}

// endRead reports whether drain interrupted the read, which then begins anew, and whether the server shuts down.
func (c *serverConn) endRead() (interrupted, draining bool) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	interrupted = !c.reading
	c.reading = false
	if c.limited { // so that the watch may wait
		c.setReadDeadlineLocked(time.Time{})
	}
	return interrupted, c.draining
}

// drain makes the connection end once the requests that have arrived are answered.
func (c *serverConn) drain() {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if c.draining {
		return
	}
	c.draining, c.drainBy = true, time.Now().Add(lastWords)
	if c.reading {
		c.reading = false
		c.setReadDeadlineLocked(time.Unix(1, 0))
	}
}

// cut ends the connection at once. What its handler says of that is not written.
func (c *serverConn) cut() {
	c.nc.Close()
	c.end()
}

// hangUp says that no more answers come, and takes in what still arrives for up to the given time: closing a TCP
// connection with bytes unread would make the peer lose answers that it has not read.
func hangUp(nc net.Conn, wait time.Duration) {
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || wait == 0 || half.CloseWrite() != nil {
		return
	}
	_ = nc.SetReadDeadline(time.Now().Add(wait))
	_, _ = io.Copy(io.Discard, nc)
}
