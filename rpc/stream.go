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

// Exchange makes a call each time the result is ranged over: it sends args from a goroutine of its own and yields what
// comes back; after an error it yields no more. The loop runs inside the channel's interceptors. Leaving it ends the
// stream, which is a success for them; a panic in it reaches them as an error and then goes on to the caller. The
// goroutine ends with args, or when args yields after the stream has ended.
func (s *Streaming[A, R, PA, PR]) Exchange(ctx context.Context, ch Channel, args iter.Seq[A]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		l := loop[R]{method: &s.Method, yield: yield}
		err := l.run(func() error {
			return ch.Call(ctx, NewStreamCall(&s.Method, func(ctx context.Context, stream Stream) error {
				return s.exchange(ctx, stream, args, &l)
			}))
		})
		if err != nil && !l.left {
			var zero R
			yield(zero, err)
		}
	}
}

// exchange is the body of Exchange's call.
func (s *Streaming[A, R, PA, PR]) exchange(ctx context.Context, stream Stream, args iter.Seq[A], l *loop[R]) error {
	var failed atomic.Pointer[error] // what kept an element from being sent
	go s.sendAll(ctx, stream, args, &failed)
	for {
		var r R
		PR(&r).Reset()
		err := stream.Recv(ctx, PR(&r))
		if p := failed.Load(); err != nil && p != nil && ctx.Err() == nil {
			err = *p
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if more, err := l.next(r); !more || err != nil {
			_ = stream.Close() // before the interceptors go on
			return err
		}
	}
}

// A loop is the caller's, over what a stream brings.
type loop[R any] struct {
	method   *Method
	yield    func(R, error) bool
	left     bool // by the caller, who is not told of any error after that
	inside   bool // the caller's code runs
	panicked any  // what it panicked with
}

// next hands r to the caller's code. A panic there becomes an error, since it would be taken for one of the
// interceptors, through which it would pass; run passes it on.
func (l *loop[R]) next(r R) (more bool, err error) {
	defer func() {
		if !l.inside {
			return
		}
		l.left = true
		if l.panicked = recover(); l.panicked != nil { // nil where the loop ends its goroutine, which nothing can keep
			l.inside = false
			err = Errorf(Canceled, "the loop over the stream panicked").For(l.method, OutcomeUnknown)
		}
	}()
	l.inside = true
	more = l.yield(r, nil)
	l.inside = false
	l.left = !more
	return more, nil
}

// run calls f, in which the loop runs.
func (l *loop[R]) run(f func() error) error {
	err := f()
	if l.panicked != nil {
		panic(l.panicked)
	}
	return err
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
	body := func(ctx context.Context, stream Stream) error {
		send := func(r *R) error { return stream.Send(ctx, PR(r)) }
		return handle(ctx, s.received(ctx, stream), send)
	}
	return &Endpoint{
		Method:  &s.Method,
		newCall: func() *Call { return NewStreamCall(&s.Method, body) },
		handle:  runBody,
		stream:  true,
	}
}

// runBody is the end of a server's way for a call with a stream.
func runBody(ctx context.Context, c *Call) error { return c.Body(ctx, c.stream) }

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
