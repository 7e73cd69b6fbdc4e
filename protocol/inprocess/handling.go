package inprocess

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A handling is one call on its way to its handler and back.
type handling struct {
	conn   *Conn
	method *rpc.Method // as the caller knows it
	route  *rpc.Route
	sc     *rpc.ServerContext
	call   *rpc.Call // the server's
	args   parcel    // of a unary call
	stream *pair     // of one with a stream; else nil

	// What the handler's goroutine sets before it closes done, when the handler has returned.
	done      chan struct{}
	index     int        // of the exception that the answer is; -1 for none
	answer    parcel     // the result, or the exception
	failure   *rpc.Error // nil for success and for an exception
	notRun    bool       // the handler was not called
	metadata  rpc.Metadata
	hasSerial bool // it holds the server's serial
}

// prepare returns what is to be run for a call, or why it is refused.
func (c *Conn) prepare(bound context.Context, call *rpc.Call) (*handling, error) {
	m := call.Method
	route, unknown := c.server.dispatcher.Find([]byte(m.FullName()))
	if unknown != nil {
		return nil, unknown.For(m, rpc.OutcomeNotStarted)
	}
	if route.Unary() != (call.Body == nil) {
		return nil, rpc.Errorf(rpc.Unimplemented, "%s is a stream at one side alone; generate the code of both from "+
			"one definition", m.Name).For(m, rpc.OutcomeNotStarted)
	}
	h := &handling{conn: c, method: m, route: route, index: -1, done: make(chan struct{})}
	md := rpc.OutgoingMetadata(bound)
	if err := md.Check(c.options.Limits.Metadata); err != nil {
		return nil, err.For(m, rpc.OutcomeNotStarted)
	}
	if call.Body == nil {
		err := rpc.Guard{Log: c.options.Log, Method: m, Local: true}.Run("what encodes the arguments",
			func() (err error) {
				h.args, err = c.pack(call.Args, "the arguments have")
				return err
			}, nil)
		if err != nil {
			return nil, refusal(rpc.InvalidArgument, "the arguments", err).For(m, rpc.OutcomeNotStarted)
		}
	}
	deadline, _ := bound.Deadline()
	if limit := c.server.dispatcher.Limits.CallTime; limit > 0 {
		if end := time.Now().Add(limit); deadline.IsZero() || end.Before(deadline) {
			deadline = end
		}
	}
	h.sc = rpc.NewServerContext(context.Background(),
		rpc.CallInfo{Peer: c.client, Method: route.Method, Metadata: clone(md)}, deadline)
	if call.Body == nil {
		h.call = route.NewCall()
	} else {
		h.stream = newPair(h)
		h.call = route.NewStreamCall(&serverStream{h.stream})
	}
	return h, nil
}

func clone(md rpc.Metadata) rpc.Metadata {
	c := maps.Clone(md)
	for k, v := range c {
		c[k] = slices.Clone(v)
	}
	return c
}

// run calls the handler, on a goroutine of its own.
func (h *handling) run() {
	if serial := h.conn.server.serial; serial != nil {
		select {
		case serial <- struct{}{}:
			h.hasSerial = true
		case <-h.sc.Done():
		}
	}
	if err := h.sc.Err(); err != nil {
		h.notRun = true
		f := h.route.Method.Failure(err)
		h.finish(&f)
		return
	}
	if h.stream == nil {
		exited := func(e *rpc.Error) { h.finish(rpc.Failed(e)) }
		err := h.guard().Run("what decodes the arguments", func() error {
			if err := h.args.unpack(h.call.Args); err != nil {
				return rpc.Errorf(rpc.InvalidArgument, "%w", err)
			}
			return nil
		}, exited)
		if err != nil {
			h.finish(rpc.Failed(err.(*rpc.Error)))
			return
		}
	}
	h.finish(h.route.Invoke(h.sc, h.call, h.finish))
}

func (h *handling) guard() rpc.Guard {
	return rpc.Guard{Log: h.conn.server.dispatcher.Log, Method: h.route.Method}
}

// finish keeps what the handler has returned, and says so.
func (h *handling) finish(f *rpc.Failure) {
	if md := h.sc.End(); md != nil {
		h.metadata = clone(md)
		if err := md.Check(h.conn.options.Limits.Metadata); err != nil {
			f, h.metadata = rpc.Failed(rpc.Errorf(rpc.Internal, "the handler's metadata: %w", err)), nil
		}
	}
	exited := func(e *rpc.Error) {
		h.failure = e
		h.settle()
	}
	err := h.guard().Run("what encodes the answer", func() error { return h.packAnswer(f) }, exited)
	if err != nil {
		h.failure = refusal(rpc.Internal, "the answer", err)
	}
	h.settle()
}

func (h *handling) packAnswer(f *rpc.Failure) (err error) {
	switch {
	case f == nil && h.stream != nil:
	case f == nil:
		h.answer, err = h.conn.pack(h.call.Result, "the answer has")
	case f.Exception != nil:
		h.answer, err = h.conn.pack(f.Exception, "the answer has")
		h.index = f.Index
	default:
		details, err := f.Err.EncodeDetails(rpc.DetailWire, rpc.MaxDetailBytes, h.conn.server.dispatcher.Log)
		if err != nil {
			return rpc.Errorf(rpc.Internal, "the error cannot be encoded: %w", err)
		}
		h.failure = rpc.NewError(f.Err.Code, f.Err.Message)
		h.failure.Details = details
	}
	return err
}

// settle gives back what the handler had, and lets the caller have the answer.
func (h *handling) settle() {
	h.call.Release()
	if h.hasSerial {
		<-h.conn.server.serial
	}
	h.conn.end(h.sc)
	<-h.conn.slots
	close(h.done)
}

// await waits for the answer of a unary call, and for no longer than the call may last.
func (h *handling) await(bound context.Context, result rpc.Message) error {
	select {
	case <-h.done:
		return h.outcome(bound, result)
	case <-bound.Done():
		h.sc.Cancel(bound.Err())
		return expired(bound, h.method)
	case <-h.conn.cut:
		return h.conn.lost(h.method, rpc.OutcomeUnknown)
	}
}

// outcome returns how a call ended whose handler has returned, and fills the result unless that is nil.
func (h *handling) outcome(bound context.Context, result rpc.Message) error {
	m := h.method
	switch {
	case h.failure != nil:
		return h.systemError(bound)
	case h.index >= len(m.Exceptions):
		return unreadable(m, fmt.Errorf("it is exception number %d of %s, and the definition here declares %d; "+
			"generate the code of this side anew", h.index+1, m.Name, len(m.Exceptions)))
	case h.index >= 0:
		exc := m.Exceptions[h.index]()
		if err := h.answer.unpack(exc); err != nil {
			return unreadable(m, err)
		}
		return exc
	case result == nil:
		return nil
	}
	return unreadable(m, h.answer.unpack(result))
}

// unreadable returns the error for an answer that cannot be decoded, or nil.
func unreadable(m *rpc.Method, err error) error {
	if err == nil {
		return nil
	}
	return rpc.Errorf(rpc.Internal, "the answer cannot be decoded: %w", err).For(m, rpc.OutcomeAnswered)
}

// systemError returns the handler's error. Where the handler has only said that the end of the call reached it, the
// caller gets that end as if it had been told of it first: which of them is, nobody can say.
func (h *handling) systemError(bound context.Context) error {
	if code := h.failure.Code; code == rpc.DeadlineExceeded || code == rpc.Canceled {
		if err := expired(bound, h.method); err != nil {
			return err
		}
		select {
		case <-h.conn.cut:
			return h.conn.lost(h.method, rpc.OutcomeUnknown)
		default:
		}
	}
	outcome := rpc.OutcomeAnswered
	if h.notRun {
		outcome = rpc.OutcomeNotStarted
	}
	return h.failure.For(h.method, outcome)
}

var errStreamClosed = errors.New("the stream was closed")
