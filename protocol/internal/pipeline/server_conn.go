package pipeline

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/internal/linger"
	"github.com/yodelrpc/yodel/rpc"
)

const (
	flushSize  = 64 << 10               // answers are written at the latest when they are so many bytes
	lingerTime = time.Second            // for a peer to read why its connection ends, and to end its side
	drainGrace = time.Second            // for a peer, when the server shuts down, to send the rest of a request
	idleGrace  = 100 * time.Millisecond // for one that sends nothing then; what it does send is refused
	readPoll   = time.Millisecond       // for a read to take what has arrived; one with no time at all would not look
)

// Why a connection ended, where no other error says it.
var (
	errDrained   = errors.New("the server shuts down") // it answered what it had to
	errNoRequest = errors.New("no request came in the time for the first one")
)

// errGoingAway answers requests that come when the server shuts down. From the first one on that is so answered, the
// connection's requests are not run.
var errGoingAway = &rpc.Error{
	Code: rpc.Unavailable, Message: "the server is shutting down", Outcome: rpc.OutcomeNotStarted,
}

// A serverConn is one connection. Its goroutine reads requests, runs handlers and writes answers, many at a time where
// many requests have arrived. Where that takes long a second goroutine, the watch, writes the answers that are ready
// and reads on, to learn of the connection's end.
type serverConn struct {
	s       *Server
	nc      net.Conn
	peer    *rpc.Peer
	in      input
	firstBy time.Time // when the first request has to be there
	heard   bool      // a whole request
	began   time.Time // from when the time counts of the message of which bytes are missing; zero for none
	left    int       // requests that are still run when the server shuts down; notDraining before
	ranLast bool      // one was run since, for which the time to refuse others has not begun yet
	refused bool      // one was refused since
	watch   watch

	// of the handler that runs; set and cleared around it by the connection's goroutine
	current atomic.Pointer[rpc.ServerContext]
	// the peer is gone or the connection was cut, so that the contexts of handlers end as they begin; set by end: the
	// connection's goroutine, the watch, or Cut
	ended atomic.Bool

	outMu  sync.Mutex
	out    []byte // answers that are not written yet
	sink   output
	outErr error // ends all writing

	readMu   sync.Mutex
	reading  bool      // the connection's goroutine waits for bytes
	limited  bool      // its read has a deadline
	draining bool      // the connection ends when what has arrived is answered
	drainBy  time.Time // when no more is read; zero until what had arrived when the server shut down is answered
	polled   bool      // what had arrived when the server shut down has been read
}

func newServerConn(s *Server, nc net.Conn, head []byte, peer *rpc.Peer) *serverConn {
	c := &serverConn{
		s: s, nc: nc, peer: peer, in: newInput(head), firstBy: peer.FirstBy(s.limits), left: notDraining,
		sink: output{nc: nc, stall: s.limits.Stall, slices: canSlice(nc)},
	}
	c.watch.init(c)
	return c
}

const notDraining = -1

// serve serves the connection until it ends. Where a handler ends this goroutine, another serves on; see [rpc.Persist].
func (c *serverConn) serve() {
	err := c.run()
	c.end()
	if refused, ok := errors.AsType[*rpc.Error](err); ok {
		if c.lastAnswer(refused) == nil {
			linger.End(c.nc, time.Now().Add(lingerTime))
		}
	} else if err == errDrained {
		linger.End(c.nc, time.Now().Add(idleGrace))
	}
	if err != io.EOF && err != errDrained && !errors.Is(err, net.ErrClosed) {
		c.s.log.Warn("connection ended", "protocol", c.s.protocol, "peer", c.peer.Addr, "reason", err)
	}
	if tls, ok := c.nc.(interface{ NetConn() net.Conn }); ok && isTimeout(err) {
		tls.NetConn().Close() // TLS would wait for seconds to say a last word that the peer does not read
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
	c.heard, c.began = true, time.Time{}
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
	switch {
	case c.left == 0:
		c.refused = true
		return c.refuse(errGoingAway)
	case c.left > 0:
		c.left--
		c.ranLast = true
	}
	route, call, refused := decode(c.s.codec, c.s.log, message, func(e *rpc.Error) { _ = c.refuse(e) })
	if refused != nil {
		return c.refuse(refused)
	}
	if call == nil {
		return c.answerStream(route, message)
	}
	defer call.Release()
	failure := c.invoke(route, call, func(f *rpc.Failure) { _ = c.append(call, f) })
	return c.append(call, failure)
}

// append appends the answer to call, which failed with f or has its result.
func (c *serverConn) append(call *rpc.Call, f *rpc.Failure) error {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	a := answering{c.s.codec, c.s.log, c.s.limits.Message}
	c.out, _ = a.append(c.out, call, f, func(answer []byte) { c.out = answer })
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

func (c *serverConn) invoke(route *rpc.Route, call *rpc.Call, exited func(*rpc.Failure)) *rpc.Failure {
	var deadline time.Time
	if limit := c.s.limits.CallTime; limit > 0 {
		deadline = time.Now().Add(limit)
	}
	ctx := rpc.NewServerContext(context.Background(), rpc.CallInfo{Peer: c.peer, Method: route.Method}, deadline)
	c.current.Store(ctx)
	if c.ended.Load() {
		ctx.Cancel(context.Canceled)
	}
	defer c.current.Store(nil)
	defer ctx.Cancel(context.Canceled)
	return route.Invoke(ctx, call, exited)
}

// maxAhead returns how many bytes of further requests may be read while a handler runs: as many as one message may
// have, which any peer can make a connection hold.
func (c *serverConn) maxAhead() int { return max(largeBuffer, c.s.limits.Message) }

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
	polling := c.beginRead(partial)
	n, err := c.watch.read(c.in.room())
	c.in.filled(n)
	interrupted, draining := c.endRead()
	switch {
	case n > 0, interrupted, polling && isTimeout(err):
		return nil
	case draining:
		return errDrained
	case partial && err == io.EOF:
		return io.ErrUnexpectedEOF
	case isTimeout(err) && partial:
		return slowError(c.in.pending())
	case isTimeout(err):
		return errNoRequest
	}
	return err
}

// beginRead gives the next read its deadline. The first read after the server began to
// shut down takes what has arrived, and does not wait.
func (c *serverConn) beginRead(partial bool) (polling bool) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	c.reading = true
	now := time.Now()
	if partial && c.began.IsZero() {
		c.began = now
		if !c.heard { // the first request has to be there in the time for it, which begins with the connection
			c.began = c.firstBy.Add(-c.s.limits.MessageTime)
		}
	}
	switch {
	case c.draining && !c.polled:
		c.polled = true
		c.setReadDeadlineLocked(now.Add(readPoll))
		return true
	case c.draining:
		c.setReadDeadlineLocked(c.drainDeadline(now, partial))
	case partial:
		c.setReadDeadlineLocked(c.s.limits.MessageDeadline(c.began, c.in.pending()))
	case !c.heard: // at the most what is no request, such as blank lines
		c.setReadDeadlineLocked(c.firstBy)
	}
	return false
}

// drainDeadline returns when a read ends of a server that shuts down and has read what had arrived. Of a request that
// has arrived in part the rest is awaited, and run; what follows is refused, until the peer, which learns by that where
// it stands, ends the connection, for which it has its time from that answer on. One that sends nothing for a moment
// has nothing on the way.
func (c *serverConn) drainDeadline(now time.Time, partial bool) time.Time {
	if c.left == notDraining {
		c.left, c.drainBy = 0, now.Add(drainGrace)
		if partial {
			c.left = 1
		}
	}
	if c.ranLast {
		c.ranLast, c.drainBy = false, now.Add(drainGrace)
	}
	if by := now.Add(idleGrace); !partial && !c.refused && by.Before(c.drainBy) {
		return by
	}
	return c.drainBy
}

func (c *serverConn) setReadDeadlineLocked(t time.Time) {
	c.limited = !t.IsZero()
	_ = c.nc.SetReadDeadline(t)
}

// endRead reports whether Drain interrupted the read, which then begins anew, and whether the server shuts down.
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

// Drain makes the connection end once the requests that have arrived are answered.
func (c *serverConn) Drain() {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if c.draining {
		return
	}
	c.draining = true
	c.sink.hurry()
	if c.reading {
		c.reading = false
		c.setReadDeadlineLocked(time.Unix(1, 0))
	}
}

// Cut ends the connection at once. What its handler says of that is not written.
func (c *serverConn) Cut() {
	c.nc.Close()
	c.end()
}
