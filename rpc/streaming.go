package rpc

import (
	"context"
	"errors"
	"io"
	"iter"
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
		return s.each(ctx, ch, func(yield func(PA) bool) { yield(in) }, body)
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
	return s.one(ctx, ch, messages[A, E, PA](in, elements, s.element))
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

// Call makes a call each time what it returns is ranged over: see [ServerStreaming.Call] and [ClientStreaming.Call].
func (s *BidiStreaming[A, R, E, V, PA, PR]) Call(
	ctx context.Context, ch Channel, in *A, elements iter.Seq[E],
) iter.Seq2[V, error] {
	return values(s.result, func(body func(PR) bool) error {
		return s.each(ctx, ch, messages[A, E, PA](in, elements, s.element), body)
	})
}

// Handle returns the endpoint that answers the method's calls with handle: see [ClientStreaming.Handle].
func (s *BidiStreaming[A, R, E, V, PA, PR]) Handle(
	handle func(ctx context.Context, in *A, elements iter.Seq2[E, error]) iter.Seq2[V, error], required ...string,
) *Endpoint {
	return s.endpoint(func(ctx context.Context, stream Stream) error {
		in, err := s.first(ctx, stream, required...)
		if err != nil {
			return err
		}
		return sendValues[R, V, PR](ctx, stream, handle(ctx, in, received[A, E, PA](ctx, stream, s.element)), s.result)
	})
}

// messages yields first, unless it is nil, and the elements, each in a message of its own beside defaults, which are
// not sent.
func messages[A, E any, PA message[A]](first PA, elements iter.Seq[E], element func(*A) *E) iter.Seq[PA] {
	return func(yield func(PA) bool) {
		if first != nil && !yield(first) {
			return
		}
		for e := range elements {
			a := PA(new(A))
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
		for {
			a := PA(new(A))
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
	for v, err := range all {
		if err != nil {
			return err
		}
		r := PR(new(R))
		r.Reset()
		*result(r) = v
		if err := stream.Send(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
