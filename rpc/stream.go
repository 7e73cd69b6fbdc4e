package rpc

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/yodelrpc/yodel/wire"
)

// streaming is what the three kinds of methods with streams share. Each message of a stream is an A or an R; where only
// one side is a stream, the other is one message.
type streaming[A, R any, PA message[A], PR message[R]] struct{ Method }

// NewArgs returns arguments with their defaults.
func (s *streaming[A, R, PA, PR]) NewArgs() *A {
	a := new(A)
	PA(a).Reset()
	return a
}

// each makes a call: it sends first, unless that is nil, and args, unless there are none, from a goroutine of its own,
// and runs loop, the caller's code, with what comes back, inside the channel's interceptors. Leaving the loop ends the
// stream, which is a success for them; a panic in it reaches them as an error and then goes on to the caller. It
// returns the error that the caller has not seen. The goroutine ends with args, or when args yields after the stream
// has ended. The loop is lent each message until the next one comes.
func (s *streaming[A, R, PA, PR]) each(
	ctx context.Context, ch Channel, first PA, args iter.Seq[PA], body func(PR) bool,
) error {
	l := loop[PR]{caller: caller{method: &s.Method}, body: body}
	err := ch.Call(ctx, NewStreamCall(&s.Method, func(ctx context.Context, stream Stream) error {
		if args == nil {
			return s.receive(ctx, stream, sendOnly(ctx, stream, first), &l)
		}
		out := &outgoing{method: &s.Method, stream: stream}
		defer out.end()
		go sendAll(ctx, out, first, args)
		return s.receive(ctx, stream, func() error {
			if p := out.failed.Load(); p != nil && ctx.Err() == nil {
				return *p
			}
			return nil
		}, &l)
	}))
	switch {
	case l.panicked != nil:
		panic(l.panicked)
	case l.left:
		return nil
	}
	return err
}

// sendOnly sends the one message that a caller sends, and returns what receive takes.
func sendOnly[M Message](ctx context.Context, stream Stream, m M) (failed func() error) {
	err := stream.Send(ctx, m)
	switch {
	case err == nil:
		err = stream.CloseSend()
	case err == io.EOF: // Recv says why
		err = nil
	default:
		_ = stream.Close()
	}
	return func() error { return err }
}

// receive runs the loop with what comes. Where Recv fails, failed says whether that is because nothing could be sent.
func (s *streaming[A, R, PA, PR]) receive(ctx context.Context, stream Stream, failed func() error, l *loop[PR]) error {
	r := PR(new(R))
	for {
		r.Reset()
		if err := stream.Recv(ctx, r); err != nil {
			if f := failed(); f != nil {
				return f
			}
			if err == io.EOF {
				return nil
			}
			return err
		}
		if more, err := l.next(r); !more || err != nil {
			return err
		}
	}
}

// A caller is the code of whoever makes a call, which runs inside the interceptors.
type caller struct {
	method   *Method
	left     bool // by the caller, who is not told of any error after that
	inside   bool // the caller's code runs
	panicked any  // what it panicked with
}

// exited, deferred, makes a panic of the caller's code an error, since it would be taken for one of the interceptors,
// through which it would pass; whoever made the call passes it on.
func (c *caller) exited(err *error) {
	if !c.inside {
		return
	}
	c.left = true
	if c.panicked = recover(); c.panicked != nil { // nil where the code ends its goroutine, which nothing can keep
		c.inside = false
		*err = Errorf(Canceled, "the loop over the stream panicked").For(c.method, OutcomeUnknown)
	}
}

// A loop is the caller's, over what a stream brings.
type loop[R any] struct {
	caller
	body func(R) bool
}

// next hands r to the caller's code.
func (l *loop[R]) next(r R) (more bool, err error) {
	defer l.exited(&err)
	l.inside = true
	more = l.body(r)
	l.inside = false
	l.left = !more
	return more, nil
}

// An outgoing is the direction to the server of a stream, whose elements come from the caller's sequence on a goroutine
// that may outlive the stream. What interceptors put around the stream is left alone once their call has ended.
type outgoing struct {
	method *Method
	stream Stream
	failed atomic.Pointer[error] // what kept an element from being sent

	mu    sync.Mutex // held while the goroutine uses the stream
	ended bool
}

// use calls f, which uses the stream, unless that has ended.
func (o *outgoing) use(f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return io.EOF
	}
	return f()
}

// end ends the stream, and waits for the goroutine to be done with it.
func (o *outgoing) end() {
	_ = o.stream.Close() // so that a Send returns
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
}

// fail ends the stream with err, which is what kept an element from being sent.
func (o *outgoing) fail(err error) {
	o.failed.Store(&err)
	_ = o.use(o.stream.Close)
}

// sendAll sends first, unless that is nil, and args. io.EOF means that the stream has ended, and Recv says why; any
// other error ends the stream, since the other side would wait for the element that cannot be sent. So does args where
// it panics or ends the goroutine.
func sendAll[A any, PA message[A]](ctx context.Context, out *outgoing, first PA, args iter.Seq[PA]) {
	exited := func(e *Error) { out.fail(e.For(out.method, OutcomeUnknown)) }
	err := Guard{Method: out.method, Local: true}.Run("the iterator of elements to send", func() error {
		if first != nil {
			if err := out.use(func() error { return out.stream.Send(ctx, first) }); err != nil {
				return err
			}
		}
		for a := range args {
			if err := out.use(func() error { return out.stream.Send(ctx, a) }); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err // to end well what the caller has canceled would make it look whole
		}
		_ = out.use(out.stream.CloseSend)
		return nil
	}, exited)
	if e, ok := err.(*Error); ok && e.Method == "" { // of a panic
		err = e.For(out.method, OutcomeUnknown)
	}
	if err != nil && err != io.EOF && ctx.Err() == nil { // else Recv returns what ended the context
		out.fail(err)
	}
}

// one makes a call whose result is not a stream. It reads to the end, since an error may come behind the result, which
// is never nil.
func (s *streaming[A, R, PA, PR]) one(ctx context.Context, ch Channel, first PA, args iter.Seq[PA]) (*R, error) {
	result, n := new(R), 0
	err := s.each(ctx, ch, first, args, func(r PR) bool {
		wire.Move(PR(result), r)
		n++
		return true
	})
	if err == nil && n != 1 {
		err = Errorf(Internal, "the server answered with %d results, not one", n).For(&s.Method, OutcomeAnswered)
	}
	if err != nil {
		return new(R), err
	}
	return result, nil
}

// endpoint returns the endpoint that answers the method's streams with handle. Messages of arguments that have
// constraints are checked as they are received: see [Validate].
func (s *streaming[A, R, PA, PR]) endpoint(handle func(ctx context.Context, stream Stream) error) *Endpoint {
	if constrained(PA(nil)) {
		unchecked := handle
		handle = func(ctx context.Context, stream Stream) error {
			return unchecked(ctx, &validatedStream{Stream: stream, method: &s.Method})
		}
	}
	return &Endpoint{
		Method:  &s.Method,
		newCall: func() *Call { return NewStreamCall(&s.Method, handle) },
		handle:  func(ctx context.Context, c *Call) error { return c.Run(ctx, c.stream) },
	}
}

// first receives the arguments that are no stream: nil where the method takes a stream and nothing else. required has
// the names of those that have to be there although their message, which is that of the elements too, does not say so.
func (s *streaming[A, R, PA, PR]) first(ctx context.Context, stream Stream, required ...string) (PA, error) {
	a := s.NewArgs()
	if s.ClientStream && len(wire.TypeOf(PA(a)).Fields) == 1 {
		return nil, nil
	}
	switch err := stream.Recv(ctx, PA(a)); {
	case errors.Is(err, io.EOF):
		return nil, NewError(InvalidArgument, "the arguments are missing")
	case err != nil:
		return nil, err
	}
	for _, name := range required {
		if v, ok := wire.Get[any](PA(a), name); !ok || v == nil {
			return nil, Errorf(InvalidArgument, "missing argument %q", name)
		}
	}
	return a, nil
}
