package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"io"

	"github.com/yodelrpc/yodel/rpc"
)

// A results is the stream of a call whose result is one, at a server: each message is written as it comes, in the
// request's place in the order of answers. What the method takes is one message, which Recv gives.
type results struct {
	c       *serverConn
	codec   StreamCodec
	method  *rpc.Method
	request []byte // nil once it has been received
}

var _ rpc.Stream = (*results)(nil)

// answerStream answers a request whose result is a stream. Nothing else of the connection is answered meanwhile.
func (c *serverConn) answerStream(route *rpc.Route, message []byte) error {
	codec, ok := c.s.codec.(StreamCodec)
	if !ok || route.Method.ClientStream {
		return c.refuse(noStreams(route.Method, c.s.protocol))
	}
	// Of a copy, for the watch reads on into the buffer.
	call := route.NewStreamCall(&results{c, codec, route.Method, bytes.Clone(message)})
	defer call.Release()
	f := c.invoke(route, call, func(f *rpc.Failure) { _ = c.appendEnd(codec, call, f) })
	return c.appendEnd(codec, call, f)
}

// appendEnd appends what a stream ends with.
func (c *serverConn) appendEnd(codec StreamCodec, call *rpc.Call, f *rpc.Failure) error {
	if f != nil {
		return c.append(call, f)
	}
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.out = codec.AppendEnd(c.out)
	return c.flushFullLocked()
}

// Send writes one result.
func (s *results) Send(ctx context.Context, m rpc.Message) error {
	if s.c.ended.Load() || ctx.Err() != nil {
		return io.EOF
	}
	s.c.outMu.Lock()
	defer s.c.outMu.Unlock()
	b, err := s.codec.AppendItem(s.c.out, m)
	if n := len(b) - len(s.c.out); err == nil && n > s.c.s.limits.Message {
		err = overLimit("message", n, s.c.s.limits.Message)
	}
	if err != nil {
		return err
	}
	s.c.out = b
	if err := s.c.flushLocked(); err != nil {
		s.c.end()
		return io.EOF
	}
	return nil
}

// Recv gives the arguments, and then the end.
func (s *results) Recv(ctx context.Context, m rpc.Message) error {
	if s.c.ended.Load() || ctx.Err() != nil {
		return rpc.NewContextError(s.method, rpc.OutcomeUnknown, cmp.Or(ctx.Err(), context.Canceled), nil)
	}
	if s.request == nil {
		return io.EOF
	}
	request := s.request
	s.request = nil
	if err := s.codec.DecodeArguments(request, m); err != nil {
		return rpc.NewError(err.Code, err.Message)
	}
	return nil
}

func (s *results) CloseSend() error { return nil }
func (s *results) Close() error     { return nil }
