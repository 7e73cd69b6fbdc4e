package mux

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
)

// A drain is how a connection ends that the server wants to end. Its client is told with GOAWAY and PING; its PONG
// says that it has read so, and that no call of its is on the way any more. When the calls that run are answered, the
// server ends its side, and the client closes the connection. A client that does not do its part has a second for it in
// all, in which calls run or bytes are taken does not count; then the server does without.
type drain struct {
	started atomic.Bool // GOAWAY is on its way; set by Drain, with mu held
	forced  atomic.Bool // the grace is over, and calls that have not begun are refused; set by checkDrain
	acked   atomic.Bool // no call is on the way any more; set by the reader at the PONG, or by checkDrain without it

	mu    sync.Mutex
	ready bool // settings have been exchanged, and no deadline is left of that
	ended bool
	quiet uint8 // ticks in a row with nothing to wait for
	timer *time.Timer
	taken uint64 // bytes that the network had taken at the last tick
}

const (
	// drainGrace is how long a server that shuts down waits for a client, and one that has not begun may take to begin.
	drainGrace = time.Second
	drainTicks = 4 // looks in that time; at the last but one the client is not waited for any more
)

var errDrainGrace = errors.New("the server was shutting down, and the client did not end the connection in time")

// die ends the connection; its reader notices.
func (c *serverConn) die(err error) {
	if err == nil {
		err = net.ErrClosed
	}
	c.out.Fail(err)
}

// beginHandshake bounds the time for a client's preface and settings.
func (c *serverConn) beginHandshake() {
	c.drain.mu.Lock()
	defer c.drain.mu.Unlock()
	by := c.peer.FirstBy(c.server.dispatcher.Limits)
	if soon := time.Now().Add(drainGrace); c.server.conns.Draining() && soon.Before(by) {
		by = soon
	}
	_ = c.in.Conn().SetDeadline(by)
}

// endHandshake ends what beginHandshake began.
func (c *serverConn) endHandshake() error {
	c.drain.mu.Lock()
	defer c.drain.mu.Unlock()
	c.drain.ready = true
	return c.in.Conn().SetDeadline(time.Time{})
}

// Cut ends the connection: the server is closed.
func (c *serverConn) Cut() { c.die(errors.New("the server was closed")) }

// Drain tells the client that the server is going away. Before the settings have been exchanged it only bounds the time
// for them, and ServeConn calls it again after that.
func (c *serverConn) Drain() {
	d := &c.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ready {
		_ = c.in.Conn().SetDeadline(time.Now().Add(drainGrace))
		return
	}
	if d.ended || !d.started.CompareAndSwap(false, true) {
		return
	}
	c.out.SendGoAway(rpc.Unavailable, errGoingAway.Message)
	_ = c.out.Append(frame.Append(nil, frame.Header{Type: frame.TypePing}, []byte(drainPing)), false, nil)
	d.timer = time.AfterFunc(drainGrace/drainTicks, c.checkDrain)
}

const drainPing = "draining"

// checkDrain looks now and then whether the client does its part, of a connection whose answers wait to be read.
func (c *serverConn) checkDrain() {
	d := &c.drain
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return
	}
	d.timer.Reset(drainGrace / drainTicks)
	taken, _ := c.out.Progress()
	if d.taken == 0 { // until now it was GOAWAY that was taken
		d.taken = taken
	}
	if c.handlersRun() || taken != d.taken {
		d.quiet, d.taken = 0, taken
		return
	}
	switch d.quiet++; d.quiet {
	case drainTicks - 1:
		d.forced.Store(true)
		c.queue.end()
		c.in.Conn().Kick()
		d.acked.Store(true)
		c.endIfDrained()
	case drainTicks:
		c.die(errDrainGrace)
	}
}

// handlersRun reports whether calls run whose handlers have begun. One that has not waits for its pieces or, in the
// queue, for the client to read.
func (c *serverConn) handlersRun() bool {
	running := int(c.running.Load()) // first, so that one which begins meanwhile is not taken for one that waits
	return running > c.begun.Count()+c.queue.len()
}

// end stops what Drain began.
func (d *drain) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.timer != nil {
		d.timer.Stop()
	}
}

// pong takes note that the client knows that the server is going away.
func (c *serverConn) pong(body []byte) {
	if c.drain.started.Load() && string(body) == drainPing {
		c.flush()
		c.drain.acked.Store(true)
		c.endIfDrained()
	}
}

// endIfDrained ends the connection of a client that makes no more calls, when the last one is answered.
func (c *serverConn) endIfDrained() {
	if c.drain.acked.Load() && c.running.Load() == 0 {
		c.out.Finish()
	}
}
