package rpc

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"
)

// A Streaming is a method whose arguments, result or both are streams. Each message of a stream is an A or an R;
// where only one side is a stream, the other is one message.
type Streaming[A, R any, PA message[A], PR message[R]] struct{ Method }

// NewStreaming returns the method that m describes.
func NewStreaming[A, R any, PA message[A], PR message[R]](m Method) *Streaming[A, R, PA, PR] {
	return &Streaming[A, R, PA, PR]{m}
}

// Exchange opens the stream when the result is ranged over, sends args from a goroutine of its own and yields what
// comes back; after an error it yields no more. Leaving the loop ends the stream. The goroutine ends with args, or
// when args yields after the stream has ended.
func (s *Streaming[A, R, PA, PR]) Exchange(ctx context.Context, ch Channel, args iter.Seq[A]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var zero R
		stream, err := ch.Open(ctx, &s.Method)
		if err != nil {
			yield(zero, err)
			return
		}
		defer stream.Close()
		var failed atomic.Pointer[error] // what kept an element from being sent
		go s.sendAll(ctx, stream, args, &failed)
		for {
			var r R
			PR(&r).Reset()
			err := stream.Recv(ctx, PR(&r))
			if p := failed.Load(); err != nil && p != nil && ctx.Err() == nil {
				err = *p
			}
			if err == io.EOF {
				return
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// sendAll sends args. io.EOF means that the stream has ended, and Recv says why; any other error ends the stream, since
// the other side would wait for the element that cannot be sent. So does args where it panics or ends the goroutine.
func (s *Streaming[A, R, PA, PR]) sendAll(ctx context.Context, stream Stream, args iter.Seq[A], failed *atomic.Pointer[error]) {
	fail := func(err error) {
		failed.Store(&err)
		_ = stream.Close()
	}
	exited := func(e *Error) { fail(e.For(&s.Method, OutcomeUnknown)) }
	err := Guard{Method: &s.Method, Local: true}.Run("the iterator of elements to send", func() error {
		for a := range args {
			if err := stream.Send(ctx, PA(&a)); err != nil {
				return err
			}
		}
		_ = stream.CloseSend()
		return nil
	}, exited)
	if e, ok := err.(*Error); ok && e.Method == "" { // of a panic
		err = e.For(&s.Method, OutcomeUnknown)
	}
	if err != nil && err != io.EOF {
		fail(err)
	}
}

// One is Exchange for a method whose result is not a stream. It reads to the end, since an error may come behind the
// result.
func (s *Streaming[A, R, PA, PR]) One(ctx context.Context, ch Channel, args iter.Seq[A]) (R, error) {
	var (
		result, zero R
		n            int
	)
	for r, err := range s.Exchange(ctx, ch, args) {
		if err != nil {
			return zero, err
		}
		result = r
		n++
	}
	if n != 1 {
		return zero, Errorf(Internal, "the server answered with %d results, not one", n).For(&s.Method, OutcomeAnswered)
	}
	return result, nil
}

// Handle returns the endpoint that answers the method's streams with handle: args yields what the caller sends, and
// after an error no more; send sends one message.
func (s *Streaming[A, R, PA, PR]) Handle(handle func(ctx context.Context, args iter.Seq2[A, error], send func(*R) error) error) *Endpoint {
	return &Endpoint{Method: &s.Method, stream: func(ctx context.Context, stream Stream) error {
		send := func(r *R) error { return stream.Send(ctx, PR(r)) }
		return handle(ctx, s.received(ctx, stream), send)
	}}
}

func (s *Streaming[A, R, PA, PR]) received(ctx context.Context, stream Stream) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		for {
			var a A
			PA(&a).Reset()
			err := stream.Recv(ctx, PA(&a))
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}
