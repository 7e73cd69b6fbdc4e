package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/yodelrpc/yodel/rpc"
)

// maxUnread is how many bytes of a stream may wait for its caller, one message aside. Behind them the connection is not
// read, so that the server waits as well: what follows on a connection is behind the stream anyway.
const maxUnread = 64 << 10

// A clientStream is the stream of a call whose result is one. Nothing but the end of the connection tells the server
// that its caller has left: it ends then, and with it the calls that wait behind the stream.
type clientStream struct {
	conn     *Conn
	call     *rpc.Call
	bound    context.Context // of the call
	pending  *pending
	answer   StreamAnswer // set by Send, with the connection's lock held
	messages chan struct{}
	room     chan struct{} // of capacity 1, as messages: something was taken
	left     chan struct{} // closed by Close

	answered atomic.Bool // by the server; set by the connection's reader before it says so to pending

	mu       sync.Mutex
	sent     bool
	unread   [][]byte
	size     int // of unread, in bytes
	over     bool
	end      error // what ended it, once it is over
	isClosed bool
}

var _ rpc.Stream = (*clientStream)(nil)

var errStreamClosed = errors.New("the stream was closed")

var errStreamLeft = errors.New("the caller of a stream has left it, and nothing else tells the server")

// callStream makes a call whose result is a stream.
func (c *Conn) callStream(ctx context.Context, call *rpc.Call) error {
	if call.Method.ClientStream || !call.Method.ServerStream || !c.codec.Streams() {
		return rpc.NoStreams(call.Method, c.protocol)
	}
	bound, expiry := call.Bound(ctx)
	p := &pending{call: call, expiry: expiry, done: make(chan struct{}, 1)}
	if err := ended(bound, p); err != nil {
		return err
	}
	s := &clientStream{
		conn: c, call: call, bound: bound, pending: p,
		messages: make(chan struct{}, 1), room: make(chan struct{}, 1), left: make(chan struct{}),
	}
	p.stream = s
	defer s.Close()
	return call.Run(ctx, s)
}

// Send sends the arguments, which are one message.
func (s *clientStream) Send(_ context.Context, args rpc.Message) error {
	if s.pending.call.Args != nil {
		return rpc.Errorf(rpc.FailedPrecondition, "%s takes one message, and a second one was sent",
			s.call.Method.Name).For(s.call.Method, rpc.OutcomeUnknown)
	}
	s.pending.call = &rpc.Call{Method: s.call.Method, Args: args}
	if err := s.conn.send(s.bound, s.pending); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = true
	if s.isClosed {
		s.conn.leave(s.pending)
	}
	return nil
}

// deliver hands a message to the caller, and waits while that has much to read.
func (s *clientStream) deliver(message []byte) {
	for !s.take(message) {
		select {
		case <-s.room:
		case <-s.left:
			return
		case <-s.conn.done:
			return
		}
	}
	select {
	case s.messages <- struct{}{}:
	default:
	}
}

func (s *clientStream) take(message []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unread) > 0 && s.size+len(message) > maxUnread {
		return false
	}
	s.unread = append(s.unread, bytes.Clone(message))
	s.size += len(message)
	return true
}

// Recv gives the next result.
func (s *clientStream) Recv(ctx context.Context, m rpc.Message) error {
	for {
		message, err := s.next()
		if message != nil {
			return s.decode(message, m)
		}
		if err != nil {
			return err
		}
		select {
		case <-s.messages:
		case <-s.pending.done:
			s.finish(s.pending.err)
		case <-s.left:
			return errStreamClosed
		case <-ctx.Done():
			return rpc.NewContextError(s.call.Method, rpc.OutcomeUnknown, ctx.Err(), nil)
		case <-s.bound.Done(): // also where the caller has given Recv a context of its own
			return rpc.NewContextError(s.call.Method, rpc.OutcomeUnknown, s.bound.Err(), nil)
		}
	}
}

// next returns a message that has come, or what the stream has ended with.
func (s *clientStream) next() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return nil, errStreamClosed
	}
	if len(s.unread) == 0 {
		if s.over {
			return nil, s.end
		}
		return nil, nil
	}
	message := s.unread[0]
	s.unread[0] = nil
	s.unread = s.unread[1:]
	s.size -= len(message)
	select {
	case s.room <- struct{}{}:
	default:
	}
	return message, nil
}

func (s *clientStream) decode(message []byte, m rpc.Message) error {
	err := s.answer.DecodeItem(message, m)
	if e, ok := err.(*rpc.Error); ok {
		return e.For(s.call.Method, rpc.OutcomeAnswered)
	}
	return err
}

// finish takes note of what the server has ended the stream with, nil for success, or the connection.
func (s *clientStream) finish(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over, s.end = true, err
	if err == nil {
		s.end = io.EOF
	}
}

// CloseSend does nothing: the arguments are one message.
func (s *clientStream) CloseSend() error { return nil }

// Close ends the stream. Where the server goes on with it, it ends the connection.
func (s *clientStream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return nil
	}
	s.isClosed = true
	close(s.left)
	if s.sent && !s.answered.Load() {
		s.conn.leave(s.pending)
	}
	return nil
}

// leave withdraws the request of p, a stream, where it has not gone yet. Else it ends the connection.
func (c *Conn) leave(p *pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue.holds(p) && c.abandonLocked(p.seq) == rpc.OutcomeNotStarted {
		return
	}
	c.failLocked(errStreamLeft)
	_ = c.nc.Close() // which ends the reader
}
