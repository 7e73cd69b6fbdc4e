package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// pipelined returns what connects with the same codec every time. Codecs of benches keep nothing between messages.
func pipelined(codec pipeline.ClientCodec) func(context.Context, rpc.ConnOptions) (rpc.Conn, error) {
	return func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) {
		conn, err := pipeline.Dial(ctx, o, func(rpc.Limits) pipeline.ClientCodec { return codec })
		if err != nil {
			return nil, err
		}
		return pipelineConn{conn}, nil
	}
}

// A pipelineConn adds what makes a pipeline an rpc.Conn.
type pipelineConn struct{ *pipeline.Conn }

func (pipelineConn) Open(_ context.Context, m *rpc.Method) (rpc.Stream, error) {
	return nil, rpc.NoStreams(m, "bench")
}

func tooLong(n uint64) *rpc.Error {
	return rpc.Errorf(rpc.ResourceExhausted, "the answer has %d bytes or more; the limit is %d", n, maxAnswer)
}

// A lineCodec sends one request of the line protocol.
type lineCodec struct {
	request []byte
	traffic *traffic
}

// AppendRequest appends the request.
func (c *lineCodec) AppendRequest(b []byte, _ *rpc.Call) ([]byte, pipeline.Answer, *rpc.Error) {
	c.traffic.sent.Add(int64(len(c.request)))
	return append(b, c.request...), c, nil
}

// Frame finds the end of a line.
func (c *lineCodec) Frame(buf []byte, seen int) (start, end int, err *rpc.Error) {
	i := bytes.IndexByte(buf[seen:], '\n')
	if i < 0 && len(buf) > maxAnswer {
		return 0, 0, tooLong(uint64(len(buf)))
	}
	return 0, (seen + i + 1) * min(i+1, 1), nil
}

// Decode tells a result from an exception or error.
func (c *lineCodec) Decode(line []byte, _ *rpc.Call) error {
	c.traffic.received.Add(int64(len(line)))
	return textError(parseAnswer(line))
}

// textError returns the error of an answer in JSON as what callers of a protocol get.
func textError(_ []byte, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*remoteError](err)
	if !ok {
		return rpc.Errorf(rpc.Internal, "%w", err)
	}
	if code, ok := rpc.ParseCode(e.kind); ok {
		return rpc.NewError(code, e.message)
	}
	if strings.Trim(e.kind, nameLetters) != "" || e.kind == "" {
		return rpc.Errorf(rpc.Unknown, "%s: %s", rpc.Quote(e.kind), e.message)
	}
	return &declared{name: e.kind}
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

// A basicCodec sends one request of the basic protocol.
type basicCodec struct {
	request []byte
	method  *schema.Method
	traffic *traffic
}

func newBasicCodec(r *request, t *traffic) *basicCodec {
	return &basicCodec{appendSized(appendSized(nil, []byte(r.name)), r.args), r.method, t}
}

// AppendRequest appends the request.
func (c *basicCodec) AppendRequest(b []byte, _ *rpc.Call) ([]byte, pipeline.Answer, *rpc.Error) {
	c.traffic.sent.Add(int64(len(c.request)))
	return append(b, c.request...), c, nil
}

// Frame finds the end of an answer.
func (c *basicCodec) Frame(buf []byte, _ int) (start, end int, err *rpc.Error) {
	n, ok := c.size(buf)
	switch {
	case !ok:
		return 0, 0, rpc.Errorf(rpc.Internal, "the answer begins with byte %d, which is nothing that %s answers", buf[0],
			c.method.Name)
	case n > maxAnswer:
		return 0, 0, tooLong(n)
	case n > uint64(len(buf)):
		return 0, 0, nil
	}
	return 0, int(n), nil
}

// size returns the length of the answer that buf begins with, or as much of it as buf tells. It is not ok if no answer
// begins so.
func (c *basicCodec) size(buf []byte) (n uint64, ok bool) {
	status := buf[0]
	switch i := int(status) - basicException; {
	case status == basicResult:
		return resultSize(c.method.Result, buf), true
	case status == basicError:
		return sizedEnd(buf, 1), true
	case i >= 0 && i < len(c.method.Exceptions):
		n = sizedEnd(buf, 1)
		if n <= uint64(len(buf)) && hasOthers(c.method.Exceptions[i]) {
			n = sizedEnd(buf, n)
		}
		return n, true
	}
	return 0, false
}

// sizedEnd returns where the value ends whose length stands at a place in buf.
func sizedEnd(buf []byte, at uint64) uint64 {
	if uint64(len(buf)) < at+4 {
		return at + 4
	}
	return at + 4 + uint64(binary.BigEndian.Uint32(buf[at:]))
}

func resultSize(t *schema.Type, buf []byte) uint64 {
	at := uint64(1)
	switch {
	case t == nil:
		return at
	case t.Optional && (len(buf) < 2 || buf[1] == 0):
		return 2
	case t.Optional:
		at = 2
	}
	switch t.Kind {
	case schema.Bool:
		return at + 1
	case schema.Int, schema.Uint, schema.Float, schema.EnumType:
		return at + 4
	case schema.Long, schema.Ulong, schema.Double, schema.Duration:
		return at + 8
	case schema.Timestamp:
		return at + 12
	}
	return sizedEnd(buf, at)
}

// hasOthers reports whether x has fields beside its message.
func hasOthers(x *schema.Exception) bool {
	for _, f := range x.Fields {
		if f.Name != "message" || f.Type.Kind != schema.String {
			return true
		}
	}
	return false
}

// Decode tells a result from an exception or error.
func (c *basicCodec) Decode(message []byte, _ *rpc.Call) error {
	c.traffic.received.Add(int64(len(message)))
	switch status := message[0]; status {
	case basicResult:
		return nil
	case basicError:
		text := strings.ToValidUTF8(string(message[5:]), "\uFFFD")
		name, rest, _ := strings.Cut(text, ": ")
		if code, ok := rpc.ParseCode(name); ok {
			return rpc.NewError(code, rest)
		}
		return rpc.NewError(rpc.Unknown, text)
	default:
		return &declared{name: c.method.Exceptions[status-basicException].Name}
	}
}
