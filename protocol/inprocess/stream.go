package inprocess

import (
	"context"
	"io"
	"sync"

	"github.com/yodelrpc/yodel/rpc"
)

// window is how many messages are under way in each direction before Send waits for the other side to receive.
const window = 16

// A pair is the stream of a call, with its two ends. It ends when the handler returns, or when the caller leaves it;
// then nothing in it is of use, and nobody waits in it.
type pair struct {
	h    *handling
	up   chan parcel // to the handler
	down chan parcel // to the caller

	bound   context.Context // the caller's, with the call's deadline; set before the caller's end is used
	sent    chan struct{}   // closed when the caller sends no more
	closeUp func()
	left    chan struct{} // closed when the caller has left the stream, or the call has ended by its context
	leave   func()
}

func newPair(h *handling) *pair {
	p := &pair{h: h, up: make(chan parcel, window), down: make(chan parcel, window), sent: make(chan struct{}),
		left: make(chan struct{})}
	p.closeUp = sync.OnceFunc(func() { close(p.sent) })
	p.leave = sync.OnceFunc(func() { close(p.left) })
	return p
}

// runBody runs what uses the stream at the caller. When that returns, the call has ended.
func (h *handling) runBody(bound context.Context, call *rpc.Call) error {
	h.stream.bound = bound
	stop := context.AfterFunc(bound, func() { // also while the body is in neither Send nor Recv
		h.sc.Cancel(bound.Err())
		h.stream.leave()
	})
	s := &clientStream{h.stream}
	defer func() {
		stop()
		_ = s.Close()
	}()
	return call.Run(bound, s)
}

// A clientStream is the caller's end.
type clientStream struct{ *pair }

// Send sends m, unless the stream has ended.
func (s *clientStream) Send(ctx context.Context, m rpc.Message) error {
	if s.over() {
		return io.EOF
	}
	p, err := s.h.conn.pack(m, "a message has")
	if err != nil {
		return refusal(rpc.InvalidArgument, "the message", err).For(s.h.method, rpc.OutcomeUnknown)
	}
	select {
	case s.up <- p:
		return nil
	case <-s.h.done:
		return io.EOF
	case <-s.left:
		return io.EOF
	case <-s.h.conn.cut:
		return io.EOF
	case <-ctx.Done():
		return rpc.NewContextError(s.h.method, rpc.OutcomeUnknown, ctx.Err(), nil)
	}
}

// over reports whether the stream has ended.
func (s *clientStream) over() bool {
	select {
	case <-s.h.done:
	case <-s.left:
	case <-s.h.conn.cut:
	default:
		return false
	}
	return true
}

// Recv fills m with the next message. The end of the call by its context, by Close or with the connection comes before
// the messages that wait; what the handler returned, behind them.
func (s *clientStream) Recv(ctx context.Context, m rpc.Message) error {
	if err := s.cutShort(); err != nil {
		return err
	}
	select {
	case p := <-s.down:
		return s.take(p, m)
	case <-s.h.done:
	case <-s.left:
		return s.cutShort()
	case <-s.h.conn.cut:
		return s.cutShort()
	case <-ctx.Done():
		if err := s.cutShort(); err != nil {
			return err
		}
		return rpc.NewContextError(s.h.method, rpc.OutcomeUnknown, ctx.Err(), nil)
	}
	select {
	case p := <-s.down: // sent before the handler returned
		return s.take(p, m)
	default:
	}
	if err := s.h.outcome(s.bound, nil); err != nil {
		return err
	}
	return io.EOF
}

// cutShort returns why the stream has ended before what the handler sent has been received, or nil.
func (s *clientStream) cutShort() error {
	if err := s.bound.Err(); err != nil {
		return rpc.NewContextError(s.h.method, rpc.OutcomeUnknown, err, nil)
	}
	select {
	case <-s.h.conn.cut:
		return s.h.conn.lost(s.h.method, rpc.OutcomeUnknown)
	case <-s.left:
		if err := s.bound.Err(); err != nil { // which has ended since, and with it the stream
			return rpc.NewContextError(s.h.method, rpc.OutcomeUnknown, err, nil)
		}
		return errStreamClosed
	default:
		return nil
	}
}

func (s *clientStream) take(p parcel, m rpc.Message) error {
	return unreadable(s.h.method, p.unpack(m))
}

// CloseSend says that no more messages will be sent.
func (s *clientStream) CloseSend() error {
	s.closeUp()
	return nil
}

// Close ends the stream, and the handler's context.
func (s *clientStream) Close() error {
	s.leave()
	s.h.sc.Cancel(context.Canceled)
	return nil
}

// A serverStream is the handler's end.
type serverStream struct{ *pair }

// Send sends m, unless the stream has ended.
func (s *serverStream) Send(ctx context.Context, m rpc.Message) error {
	if s.h.sc.Err() != nil {
		return io.EOF
	}
	p, err := s.h.conn.pack(m, "a message has")
	if err != nil {
		return refusal(rpc.Internal, "the message", err)
	}
	select {
	case s.down <- p:
		return nil
	case <-s.h.sc.Done(): // also once the handler has returned
		return io.EOF
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Recv fills m with the next message; it returns io.EOF when the caller has said that there are no more, and the
// context's error when the call has ended before that.
func (s *serverStream) Recv(ctx context.Context, m rpc.Message) error {
	if err := s.h.sc.Err(); err != nil {
		return err
	}
	select {
	case p := <-s.up:
		return p.unpack(m)
	case <-s.sent:
	case <-s.h.sc.Done():
		return s.h.sc.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case p := <-s.up: // sent before the caller said so
		return p.unpack(m)
	default:
		return io.EOF
	}
}

// CloseSend does nothing: the caller reads until the handler has returned.
func (s *serverStream) CloseSend() error { return nil }

// Close ends the call's context, and so the stream.
func (s *serverStream) Close() error {
	s.h.sc.Cancel(context.Canceled)
	return nil
}
