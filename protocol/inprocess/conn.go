package inprocess

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A Conn is a connection to a server in the same process, an [rpc.Conn]. It has a goroutine for each handler that runs,
// which Close does not wait for: they are the server's.
type Conn struct {
	server  *Server
	options Options
	client  *rpc.Peer     // as handlers see it
	remote  *rpc.Peer     // the server, as callers see it
	slots   chan struct{} // has an element for each handler

	done  chan struct{} // closed when the connection takes no more calls
	cut   chan struct{} // closed when it ends those that run
	ended chan struct{} // closed when it takes no more calls, and none is left

	mu       sync.Mutex
	err      error // why it takes no more calls; nil while it does
	isCut    bool
	callers  int // calls that have not returned
	isEnded  bool
	handlers map[*rpc.ServerContext]struct{} // that have not returned
}

var _ rpc.Conn = (*Conn)(nil)

var (
	errClosed    = errors.New("the connection was closed by this side")
	errGoingAway = errors.New("the server is going away")
)

// Done is closed when the connection takes no more calls.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Ended is closed when the connection has ended, and every call on it has returned.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// Peer returns what is known of the server.
func (c *Conn) Peer() *rpc.Peer { return c.remote }

// Err returns why the connection takes no more calls.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection and every call on it, and with them the contexts of their handlers.
func (c *Conn) Close() error {
	c.stop(errClosed, true)
	<-c.ended
	return nil
}

// Drain makes the connection end when the calls that run have ended.
func (c *Conn) Drain() { c.stop(errGoingAway, false) }

// Cut ends the connection, and the contexts of its handlers.
func (c *Conn) Cut() { c.stop(errGoingAway, true) }

func (c *Conn) stop(err error, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.done)
	}
	if cut && !c.isCut {
		c.isCut = true
		close(c.cut)
		for sc := range c.handlers {
			sc.Cancel(context.Canceled)
		}
	}
	c.endIfIdleLocked()
}

// endIfIdleLocked ends the connection if it takes no more calls and has none. The server keeps it until the handlers
// have returned as well.
func (c *Conn) endIfIdleLocked() {
	if c.err == nil || c.callers > 0 {
		return
	}
	if !c.isEnded {
		c.isEnded = true
		close(c.ended)
	}
	if len(c.handlers) == 0 {
		c.server.conns.Remove(c)
	}
}

// enter counts a caller, until leave, and reports whether the connection takes its call.
func (c *Conn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.callers++
	return true
}

func (c *Conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers--
	c.endIfIdleLocked()
}

// begin counts a handler, until end, and reports whether the connection takes its call.
func (c *Conn) begin(sc *rpc.ServerContext) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.handlers[sc] = struct{}{}
	return true
}

func (c *Conn) end(sc *rpc.ServerContext) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.handlers, sc)
	c.endIfIdleLocked()
}

func (c *Conn) running() []*rpc.Method {
	c.mu.Lock()
	defer c.mu.Unlock()
	var methods []*rpc.Method
	for sc := range c.handlers {
		methods = append(methods, rpc.Info(sc).Method)
	}
	return methods
}

// lost returns the error of a call whose connection is gone.
func (c *Conn) lost(m *rpc.Method, o rpc.Outcome) error {
	return rpc.Errorf(rpc.Unavailable, "the connection in this process is gone: %w", c.Err()).For(m, o)
}

// Call makes one call: see [rpc.Channel].
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
	bound, expiry := call.Bound(ctx)
	var cancel context.CancelFunc
	if expiry.IsZero() {
		bound, cancel = context.WithCancel(bound)
	} else {
		bound, cancel = context.WithDeadline(bound, expiry)
	}
	defer cancel()
	if err := bound.Err(); err != nil {
		return rpc.NewContextError(call.Method, rpc.OutcomeNotStarted, err, nil)
	}
	if !c.enter() {
		return c.lost(call.Method, rpc.OutcomeNotStarted)
	}
	defer c.leave()
	h, err := c.prepare(bound, call)
	if err != nil {
		return err
	}
	if err := c.start(bound, h); err != nil {
		return err
	}
	defer func() {
		select {
		case <-h.done:
			if h.metadata != nil {
				rpc.StoreAnswerMetadata(ctx, h.metadata)
			}
		default:
			h.sc.Cancel(context.Canceled)
		}
	}()
	if call.Body != nil {
		return h.runBody(bound, call)
	}
	return h.await(bound, call.Result)
}

// start runs the handler as soon as the connection has room for it.
func (c *Conn) start(bound context.Context, h *handling) error {
	select {
	case c.slots <- struct{}{}:
	case <-c.done:
		return c.lost(h.method, rpc.OutcomeNotStarted)
	case <-bound.Done():
		return rpc.NewContextError(h.method, rpc.OutcomeNotStarted, bound.Err(),
			fmt.Errorf("%d calls are in flight, the limit of a connection (Limits.Calls)", cap(c.slots)))
	}
	if !c.begin(h.sc) {
		<-c.slots
		return c.lost(h.method, rpc.OutcomeNotStarted)
	}
	go h.run()
	return nil
}

// expired returns the error of a call that ended by its context, unless it has not.
func expired(bound context.Context, m *rpc.Method) error {
	err := bound.Err()
	if end, ok := bound.Deadline(); err == nil && ok && !time.Now().Before(end) {
		err = context.DeadlineExceeded // of which the timer is about to tell
	}
	if err == nil {
		return nil
	}
	return rpc.NewContextError(m, rpc.OutcomeUnknown, err, nil)
}
