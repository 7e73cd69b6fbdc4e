package stream

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/yodelrpc/yodel/protocol/mux/internal/flow"
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A Stream is one end of the stream of a call, an [rpc.Stream]. It holds no buffer while nothing waits in it, and has
// no goroutine.
type Stream struct {
	conn   *Conn
	method *rpc.Method
	done   <-chan struct{} // at a client, of the call's context: whoever ends that ends the stream too
	own    context.Context // at a server, the call's, for which the same holds; nil if its deadline ends it alone
	id     uint32
	server bool

	// Of the connection's reader.
	changed bool          // it is one of Conn.changed
	deaf    bool          // nobody will read what comes
	closed  bool          // END has come
	filling []byte        // messages that came since the last publish
	filled  int           // what they took of the credit
	pieces  *assembly     // of the message that has begun to come; nil for none
	arrived uint64        // of the stream's credit
	granted atomic.Uint64 // what may arrive; set with mu held

	// Of whoever receives.
	batch []byte // messages that Recv goes on with, each with its length in front; of an owned one the message alone
	at    int
	owned bool
	read  int // what those that were read took of the credit, since the last time that it was counted
	dec   *wire.Decoder

	lastSent int32 // bytes of the last message; of whoever sends

	// Somebody is in Recv, or in Send or CloseSend. A second one is refused, since there is one batch, and one who is
	// woken.
	receiving, sending atomic.Bool

	mu      sync.Mutex
	failed  error // why the stream has ended before its end, which comes before all that waits
	ended   error // what stands behind the last message: io.EOF or the answer; nil while there are messages to come
	in      inbox
	out     outbox
	recv    flow.Receiver
	send    flow.Sender
	waiting bool          // for a message; whoever ends it sends to arrives
	arrives chan struct{} // of capacity 1; nil until somebody has to wait
	held    int           // what has come and been published, and not been given back to the connection's credit
}

// InitClient prepares a stream, which is zero: that of the call with the given id, whose context has the channel done.
// When that is closed its owner calls Fail.
func (s *Stream) InitClient(c *Conn, m *rpc.Method, id uint32, done <-chan struct{}) {
	s.done = done
	s.init(c, m, id)
}

// InitServer is InitClient for a server, whose handler has the context ctx.
func (s *Stream) InitServer(c *Conn, m *rpc.Method, id uint32, ctx context.Context) {
	s.server = true
	if _, ok := ctx.Deadline(); !ok {
		s.own = ctx
	}
	s.init(c, m, id)
}

func (s *Stream) init(c *Conn, m *rpc.Method, id uint32) {
	s.conn, s.method, s.id = c, m, id
	s.recv.Init(c.own.Stream, c.most)
	s.granted.Store(s.recv.Granted())
	s.send.Init(c.first)
	s.out.limit = c.segment
}

// errClosed is what Recv returns after Close.
var errClosed = errors.New("the stream was closed")

// Close ends the stream: see [rpc.Stream]. For the peer it changes nothing.
func (s *Stream) Close() error {
	s.Fail(errClosed)
	return nil
}

// Fail ends the stream with what Recv is to return from now on, unless it has ended so before: what waits is dropped.
func (s *Stream) Fail(err error) {
	s.mu.Lock()
	if s.failed != nil {
		s.mu.Unlock()
		return
	}
	s.failed = err
	s.out.drop()
	s.wakeLocked()
	held, room := s.dropLocked()
	s.mu.Unlock()
	s.conn.consume(held)
	s.conn.unclaim(room)
}

// dropLocked lets go of all that has come. It returns what that gives back of the connection's credit, and of its room
// for claimed messages.
func (s *Stream) dropLocked() (held, room int) {
	s.closeLocked()
	held, s.held = s.held, 0
	return held, s.in.drop()
}

// End says what stands behind the last message that has come: io.EOF, or the error of the call. Only the connection's
// reader calls it. If the call is answered nothing more is sent.
func (s *Stream) End(err error, answered bool) {
	s.publish(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = err
	}
	if answered {
		s.out.drop()
	}
	s.wakeLocked()
}

// EndOfMessages handles END, on the connection's reader.
func (s *Stream) EndOfMessages() error {
	if s.closed || s.pieces != nil && !s.deaf {
		return frame.Faultf("an END of stream %#08x that has ended, or in the middle of a message", s.id)
	}
	s.closed = true
	s.End(io.EOF, false)
	return nil
}

// wakeLocked wakes all who wait.
func (s *Stream) wakeLocked() {
	s.wakeReceiverLocked()
	s.out.wake()
}

// wakeReceiverLocked wakes whoever waits for a message.
func (s *Stream) wakeReceiverLocked() {
	if s.waiting {
		s.waiting = false
		s.arrives <- struct{}{}
	}
}

// await waits until woken gets something, or ctx ends. It reports false in that case.
func (s *Stream) await(ctx context.Context, woken <-chan struct{}) bool {
	if s.own != nil && ctx == s.own { // whose Done costs a channel
		<-woken
		return true
	}
	done := ctx.Done()
	if done == nil || done == s.done {
		<-woken
		return true
	}
	select {
	case <-woken:
		return true
	case <-done:
		return false
	}
}

// atOnce returns the error of a method that was called while another goroutine is in it, or sends.
func (s *Stream) atOnce(method string) error {
	return rpc.Errorf(rpc.FailedPrecondition, "%s of a stream that another goroutine is using in that direction; let "+
		"one goroutine send and one receive", method).For(s.method, rpc.OutcomeUnknown)
}

// ID returns the id of the stream's call.
func (s *Stream) ID() uint32 { return s.id }

// tooLarge returns the error for a message over a limit; what is "a message that came has" or the like.
func (s *Stream) tooLarge(what string, n, limit int, o rpc.Outcome) error {
	return rpc.Errorf(rpc.ResourceExhausted, "%s %d bytes, over the limit of %d; raise Limits.Message on both sides, "+
		"or send less at a time", what, n, limit).For(s.method, o)
}

// header returns the header of one of the stream's frames.
func (s *Stream) header(t frame.Type, flags uint8, n int) frame.Header {
	return frame.Header{Length: n, Type: t, Flags: flags, ID: s.id}
}
