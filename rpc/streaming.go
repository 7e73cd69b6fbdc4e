package rpc

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"sync/atomic"
)

// The three kinds of methods with streams. An element of a stream travels in a message of its own, of the type that the
// arguments or the result have; what is not a stream stands in a message in front of the elements. Generated code
// says where in a message the element is.

// A ServerStreaming is a method whose result is a stream: of V, each in a message R.
type ServerStreaming[A, R, V any, PA message[A], PR message[R]] struct {
	streaming[A, R, PA, PR]
	result func(*R) *V
}

// NewServerStreaming returns the method that m describes; result is the place of an element in its message.
func NewServerStreaming[A, R, V any, PA message[A], PR message[R]](
	m Method, result func(*R) *V,
) *ServerStreaming[A, R, V, PA, PR] {
	return &ServerStreaming[A, R, V, PA, PR]{streaming[A, R, PA, PR]{m}, result}
}

// Call makes a call each time what it returns is ranged over. The loop runs inside the channel's interceptors, and
// leaving it ends the stream. After an error it yields no more.
func (s *ServerStreaming[A, R, V, PA, PR]) Call(ctx context.Context, ch Channel, in *A) iter.Seq2[V, error] {
	return values(s.result, func(body func(PR) bool) error {
		return s.each(ctx, ch, PA(in), nil, body)
	})
}

// Handle returns the endpoint that answers the method's calls with handle.
func (s *ServerStreaming[A, R, V, PA, PR]) Handle(
	handle func(ctx context.Context, in *A) iter.Seq2[V, error],
) *Endpoint {
	return s.endpoint(func(ctx context.Context, stream Stream) error {
		in, err := s.first(ctx, stream)
		if err != nil {
			return err
		}
		return sendValues[R, V, PR](ctx, stream, handle(ctx, in), s.result)
	})
}

// A ClientStreaming is a method that takes a stream: of E, each in a message A.
type ClientStreaming[A, R, E any, PA message[A], PR message[R]] struct {
	streaming[A, R, PA, PR]
	element func(*A) *E
}

// NewClientStreaming returns the method that m describes; element is the place of an element in its message.
func NewClientStreaming[A, R, E any, PA message[A], PR message[R]](
	m Method, element func(*A) *E,
) *ClientStreaming[A, R, E, PA, PR] {
	return &ClientStreaming[A, R, E, PA, PR]{streaming[A, R, PA, PR]{m}, element}
}

// Call makes a call. It sends in, unless that is nil, and the elements from a goroutine of its own, which ends with
// them, or when they yield one after the call has ended.
func (s *ClientStreaming[A, R, E, PA, PR]) Call(
	ctx context.Context, ch Channel, in *A, elements iter.Seq[E],
) (*R, error) {
	return s.one(ctx, ch, PA(in), messages[A, E, PA](elements, s.element))
}

// Handle returns the endpoint that answers the method's calls with handle, which sets the result or returns an error.
// What is no stream is in in, where required has the names of those that have to be there.
func (s *ClientStreaming[A, R, E, PA, PR]) Handle(
	handle func(ctx context.Context, in *A, elements iter.Seq2[E, error], out *R) error, required ...string,
) *Endpoint {
	return s.endpoint(func(ctx context.Context, stream Stream) error {
		in, err := s.first(ctx, stream, required...)
		if err != nil {
			return err
		}
		out := PR(new(R))
		out.Reset()
		if err := handle(ctx, in, received[A, E, PA](ctx, stream, s.element), out); err != nil {
			return err
		}
		return stream.Send(ctx, out)
	})
}

// A BidiStreaming is a method that takes a stream of E, each in a message A, and whose result is one of V, each in a
// message R.
type BidiStreaming[A, R, E, V any, PA message[A], PR message[R]] struct {
	streaming[A, R, PA, PR]
	element func(*A) *E
	result  func(*R) *V
}

// NewBidiStreaming returns the method that m describes; element and result are the places of elements in their
// messages.
func NewBidiStreaming[A, R, E, V any, PA message[A], PR message[R]](
	m Method, element func(*A) *E, result func(*R) *V,
) *BidiStreaming[A, R, E, V, PA, PR] {
	return &BidiStreaming[A, R, E, V, PA, PR]{streaming[A, R, PA, PR]{m}, element, result}
}

// Call makes a call, in which body uses the stream: it ends when body returns. Call returns what body has returned or,
// where that is io.EOF, what a Recv says of the stream behind all messages. So body may return the io.EOF of a Send
// while a goroutine that it has started still receives: that gets every message, and the end, also after Call has
// returned.
func (s *BidiStreaming[A, R, E, V, PA, PR]) Call(
	ctx context.Context, ch Channel, in *A, body func(ctx context.Context, stream *BidiStream[E, V]) error,
) error {
	c := caller{method: &s.Method}
	err := ch.Call(ctx, NewStreamCall(&s.Method, func(ctx context.Context, stream Stream) (err error) {
		if in != nil {
			if err := stream.Send(ctx, PA(in)); err != nil && err != io.EOF { // Recv says why it has ended
				return err
			}
		}
		defer c.exited(&err)
		c.inside = true
		both := newBidiStream[A, R, E, V, PA, PR](ctx, &s.Method, stream, s.element, s.result)
		err = body(ctx, both)
		c.inside = false
		if err == io.EOF {
			err = both.reason()
		}
		return err
	}))
	if c.panicked != nil {
		panic(c.panicked)
	}
	return err
}

// Handle returns the endpoint that answers the method's calls with handle: see [ClientStreaming.Handle]. A handle that
// returns the io.EOF of a Recv or Send ends the call as the stream has ended: well, unless its context has ended.
func (s *BidiStreaming[A, R, E, V, PA, PR]) Handle(
	handle func(ctx context.Context, in *A, stream *BidiStream[V, E]) error, required ...string,
) *Endpoint {
	return s.endpoint(func(ctx context.Context, stream Stream) error {
		in, err := s.first(ctx, stream, required...)
		if err != nil {
			return err
		}
		both := newBidiStream[R, A, V, E, PR, PA](ctx, &s.Method, stream, s.result, s.element)
		return ended(ctx, handle(ctx, in, both))
	})
}

// ended returns err, a handler's, or what has ended the stream where that is io.EOF, which Recv or Send has returned:
// the call's context, or, while that lives, nothing but the caller's last message, which is a success.
func ended(ctx context.Context, err error) error {
	if err == io.EOF {
		return ctx.Err()
	}
	return err
}

// A BidiStream is one end of a stream in both directions: of Out, which this side sends, and In, which it receives. One
// goroutine may send while another receives; a second one in the same direction is refused with failed_precondition. It
// lives as long as the function that was given it, and whatever way that ends, the stream ends with it.
type BidiStream[Out, In any] struct {
	stream Stream
	method *Method
	ctx    context.Context
	send   func(ctx context.Context, v Out) error
	recv   func(ctx context.Context) (In, error)

	sending sync.Mutex
	closed  bool        // by CloseSend
	full    atomic.Bool // Send has returned io.EOF, for the other side has ended the stream: what comes is bounded

	receiving sync.Mutex
	ending    atomic.Bool // reason is receiving, or has
	left      []In        // what reason has received, for whoever still receives
	end       error       // what it met; nil where it has not run
}

func newBidiStream[S, R, Out, In any, PS message[S], PR message[R]](
	ctx context.Context, method *Method, stream Stream, out func(*S) *Out, in func(*R) *In,
) *BidiStream[Out, In] {
	sent, received := PS(new(S)), PR(new(R)) // each is lent to the stream for a call
	return &BidiStream[Out, In]{
		stream: stream, method: method, ctx: ctx,
		send: func(ctx context.Context, v Out) error {
			sent.Reset()
			*out(sent) = v
			return stream.Send(ctx, sent)
		},
		recv: func(ctx context.Context) (In, error) {
			received.Reset()
			err := stream.Recv(ctx, received)
			return *in(received), err
		},
	}
}

// Send sends v, for which it may have to wait until the other side has read. The end of ctx, which may be one for this
// message alone, ends the wait; in the middle of a large message, of which a part is on its way, it ends the stream
// with it. Send returns io.EOF once the stream has ended; Recv says why.
func (s *BidiStream[Out, In]) Send(ctx context.Context, v Out) error {
	if !s.sending.TryLock() {
		return s.atOnce("Send")
	}
	defer s.sending.Unlock()
	err := s.send(ctx, v)
	if err == io.EOF && !s.closed {
		s.full.Store(true)
	}
	return err
}

// Recv returns the next value. The end of ctx, which may be one for this message alone, ends the wait and leaves the
// stream as it is. After the last value it returns io.EOF: at a server when the client has sent its last one, at a
// client when the handler has returned nil. What the handler has returned otherwise comes in its place.
func (s *BidiStream[Out, In]) Recv(ctx context.Context) (In, error) {
	if !s.receiving.TryLock() {
		if !s.ending.Load() {
			var zero In
			return zero, s.atOnce("Recv")
		}
		s.receiving.Lock() // reason has it, or somebody whom that waits for
	}
	defer s.receiving.Unlock()
	if len(s.left) > 0 {
		v := s.left[0]
		s.left = s.left[1:]
		return v, nil
	}
	if s.end != nil {
		var zero In
		return zero, s.end
	}
	return s.recv(ctx)
}

// reason returns what the stream has ended with, for which it receives all that has come. A goroutine that still
// receives finds it in left. Where the other side has not ended the stream there may be messages without end, of which
// none is kept.
func (s *BidiStream[Out, In]) reason() error {
	s.ending.Store(true)
	s.receiving.Lock()
	defer s.receiving.Unlock()
	for {
		v, err := s.recv(s.ctx)
		switch {
		case err != nil:
			if s.end = err; err == io.EOF {
				return nil
			}
			return err
		case s.full.Load():
			s.left = append(s.left, v)
		}
	}
}

// atOnce returns the error of a method that was called while another goroutine uses that direction.
func (s *BidiStream[Out, In]) atOnce(method string) error {
	return Errorf(FailedPrecondition, "%s of a stream that another goroutine is using in that direction; let one "+
		"goroutine send and one receive", method).For(s.method, OutcomeUnknown)
}

// CloseSend says that no more values will be sent. A client may still receive; a server says so by returning, and need
// not call it. It is for the goroutine that sends.
func (s *BidiStream[Out, In]) CloseSend() error {
	if !s.sending.TryLock() {
		return s.atOnce("CloseSend")
	}
	defer s.sending.Unlock()
	s.closed = true
	return s.stream.CloseSend()
}

// All receives each value that comes, and at the end the error, unless that is io.EOF.
func (s *BidiStream[Out, In]) All() iter.Seq2[In, error] {
	return func(yield func(In, error) bool) {
		for {
			v, err := s.Recv(s.ctx)
			if err == io.EOF || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// messages yields the elements, each in a message beside defaults, which are not sent. The message is lent until the
// next one is asked for.
func messages[A, E any, PA message[A]](elements iter.Seq[E], element func(*A) *E) iter.Seq[PA] {
	return func(yield func(PA) bool) {
		a := PA(new(A))
		for e := range elements {
			a.Reset()
			if *element(a) = e; !yield(a) {
				return
			}
		}
	}
}

// received yields the elements of the messages that come; after an error no more.
func received[A, E any, PA message[A]](ctx context.Context, stream Stream, element func(*A) *E) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		a := PA(new(A))
		for {
			a.Reset()
			err := stream.Recv(ctx, a)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(*element(a), err) || err != nil {
				return
			}
		}
	}
}

// values yields the elements of the results that each brings, and then its error.
func values[R, V any, PR message[R]](result func(*R) *V, each func(body func(PR) bool) error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		if err := each(func(r PR) bool { return yield(*result(r), nil) }); err != nil {
			var zero V
			yield(zero, err)
		}
	}
}

// sendValues sends what the handler yields, up to an error.
func sendValues[R, V any, PR message[R]](
	ctx context.Context, stream Stream, all iter.Seq2[V, error], result func(*R) *V,
) error {
	r := PR(new(R))
	for v, err := range all {
		if err != nil {
			return err
		}
		r.Reset()
		*result(r) = v
		if err := stream.Send(ctx, r); err == io.EOF { // the caller is gone, of which ctx may not know yet
			return cmp.Or(ctx.Err(), context.Canceled)
		} else if err != nil {
			return err
		}
	}
	return nil
}
