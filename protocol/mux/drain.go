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

// A farewell is how a connection ends that the server wants to end. Its client is told with GOAWAY and PING; its PONG
// says that it has read so, and that no call of its is on the way any more. When the calls that run are answered, the
// server ends its side, and the client closes the connection. A client that does not do its part has a second for it in
// all, in which calls run or bytes are taken does not count; then the server does without.
type farewell struct {
	begun atomic.Bool // GOAWAY is on its way
	hasty atomic.Bool // calls that have not begun are refused: pieces are missing, or the client does not read
	over  atomic.Bool // no call is on the way any more

	mu    sync.Mutex
	ready bool // settings have been exchanged, and no deadline is left of that
	ended bool
	timer *time.Timer
	taken uint64 // bytes that the network had taken at the last tick
	quiet int    // ticks in a row with nothing to wait for
}

const (
	// farewellTime is how long a server that shuts down waits for a client, and one that has not begun may take to begin.
	farewellTime  = time.Second
	farewellTicks = 4 // looks in that time; at the last but one the client is not waited for any more
)

var errNoFarewell = errors.New("the server was shutting down, and the client did not end the connection in time")

// die ends the connection; its reader notices.
func (c *serverConn) die(err error) {
	if err == nil {
		err = net.ErrClosed
	}
	c.out.fail(err)
}

// greeting bounds the time for a client's preface and settings.
func (c *serverConn) greeting() {
	c.farewell.mu.Lock()
	defer c.farewell.mu.Unlock()
	by := c.peer.FirstBy(c.server.dispatcher.Limits)
	if soon := time.Now().Add(farewellTime); c.server.isDraining() && soon.Before(by) {
		by = soon
	}
	_ = c.in.transport.setDeadline(by)
}

// greeted ends greeting.
func (c *serverConn) greeted() error {
	c.farewell.mu.Lock()
	defer c.farewell.mu.Unlock()
	c.farewell.ready = true
	return c.in.transport.setDeadline(time.Time{})
}

// drain tells the client that the server is going away.
func (c *serverConn) drain() {
	f := &c.farewell
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ready {
		_ = c.in.transport.setDeadline(time.Now().Add(farewellTime))
		return
	}
	if f.ended || !f.begun.CompareAndSwap(false, true) {
		return
	}
	c.out.sendGoAway(rpc.Unavailable, errGoingAway.Message)
	_ = c.out.append(frame.Append(nil, frame.Header{Type: frame.TypePing}, []byte(drainPing)), false, nil)
	f.timer = time.AfterFunc(farewellTime/farewellTicks, c.pressOn)
}

const drainPing = "draining"

// pressOn looks now and then whether the client of a connection that drains does its part.
func (c *serverConn) pressOn() {
	f := &c.farewell
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	f.timer.Reset(farewellTime / farewellTicks)
	taken, _ := c.out.progress()
	if f.taken == 0 { // until now it was GOAWAY that was taken
		f.taken = taken
	}
	if c.handlersRun() || taken != f.taken {
		f.quiet, f.taken = 0, taken
		return
	}
	switch f.quiet++; f.quiet {
	case farewellTicks - 1:
		f.hasty.Store(true)
		c.queue.end()
		c.in.transport.kick()
		f.over.Store(true)
		c.endIfDrained()
	case farewellTicks:
		c.die(errNoFarewell)
	}
}

// handlersRun reports whether calls run whose handlers have begun. One that has not waits for its pieces or, in the queue,
// for the client to read.
func (c *serverConn) handlersRun() bool {
	running := int(c.running.Load()) // first, so that one which begins meanwhile is not taken for one that waits
	return running > int(c.begun.count.Load())+c.queue.len()
}

// end stops what drain began.
func (f *farewell) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	if f.timer != nil {
		f.timer.Stop()
	}
}

// pong takes note that the client knows that the server is going away.
func (c *serverConn) pong(body []byte) {
	if c.farewell.begun.Load() && string(body) == drainPing {
		c.flush()
		c.farewell.over.Store(true)
		c.endIfDrained()
	}
}

// endIfDrained ends the connection of a client that makes no more calls, when the last one is answered.
func (c *serverConn) endIfDrained() {
	if c.farewell.over.Load() && c.running.Load() == 0 {
		c.out.finish()
	}
}
