package basic

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A clientCodec writes requests. One goroutine at a time uses it.
type clientCodec struct {
	limits  rpc.Limits
	methods map[*rpc.Method]*answer
}

// An answer reads the answers of one method.
type answer struct {
	*method
	limit int
}

// newClientCodec returns a codec that sends and accepts messages within the limits.
func newClientCodec(limits rpc.Limits) *clientCodec {
	return &clientCodec{limits: limits, methods: make(map[*rpc.Method]*answer)}
}

// Streams implements [pipeline.ClientCodec].
func (c *clientCodec) Streams() bool { return false }

// AppendRequest appends the request of c.
func (c *clientCodec) AppendRequest(b []byte, call *rpc.Call) ([]byte, pipeline.Answer, *rpc.Error) {
	a, ok := c.methods[call.Method]
	if !ok {
		a = &answer{method: newMethod(call), limit: c.limits.Message}
		c.methods[call.Method] = a
	}
	if a.problem != nil {
		return b, nil, a.problem
	}
	w := writer{buf: b}
	w.text(a.callName)
	at := len(w.buf)
	w.buf = append(w.buf, 0, 0, 0, 0)
	w.fields(a.args, wire.ValueOf(call.Args))
	if w.setLength(at); w.err != nil {
		return b, nil, invalid("the arguments cannot be written: %w", wire.Explain(call.Args, w.err))
	}
	if n := len(w.buf) - at - 4; n > c.limits.Message {
		return b, nil, rpc.Errorf(rpc.ResourceExhausted, "the arguments have %d bytes; the limit is %d", n,
			c.limits.Message)
	}
	return w.buf, a, nil
}

// Frame finds the end of an answer.
func (a *answer) Frame(buf []byte, _ int) (start, end int, err *rpc.Error) {
	end, err = a.frameAnswer(buf, a.limit)
	return 0, end, err
}

// Decode reads an answer that Frame found.
func (a *answer) Decode(message []byte, c *rpc.Call) error {
	r := newReader(message[1:])
	err := a.read(&r, message[0], c)
	if err == nil && len(r.buf) > 0 {
		err = &unreadable{fmt.Errorf("%d bytes are left over", len(r.buf))}
	}
	if u, ok := err.(*unreadable); ok {
		return rpc.Errorf(rpc.Internal, "the answer cannot be read: %w", u.error)
	}
	return err
}

// unreadable tells an error of reading from one that was read.
type unreadable struct{ error }

func (a *answer) read(r *reader, status byte, c *rpc.Call) error {
	switch {
	case status == statusResult:
		return a.readResult(r, c)
	case status == statusSystem:
		return r.systemError()
	default:
		return r.exception(a.exceptions[status-statusFirstException])
	}
}

func (a *answer) readResult(r *reader, c *rpc.Call) error {
	f := a.result
	if f == nil {
		return nil
	}
	if f.Optional {
		b, _ := r.take(1)
		if b[0] > 1 {
			return &unreadable{fmt.Errorf("a result that may be absent begins with 0 or 1, not %d", b[0])}
		}
		if b[0] == 0 {
			return nil
		}
	}
	err := f.Fill(wire.ValueOf(c.Result), func(place reflect.Value) error { return r.value(&f.ValueType, place) })
	if err != nil {
		return &unreadable{err}
	}
	return nil
}

// notStarted stands behind the code of an error by which a server refuses a request that it has not run, nor will.
const notStarted = " (not started)"

// systemError reads "code: message". A server that knows no codes may say anything.
func (r *reader) systemError() error {
	b, _ := r.sized()
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	name, message, _ := strings.Cut(text, ": ")
	name, refused := strings.CutSuffix(name, notStarted)
	if code, ok := rpc.ParseCode(name); ok {
		e := rpc.NewError(code, message)
		if refused {
			e.Outcome = rpc.OutcomeNotStarted
		}
		return e
	}
	return rpc.NewError(rpc.Unknown, text)
}

func (r *reader) exception(x *pipeline.Exception) error {
	e := x.New()
	e.Reset()
	v := wire.ValueOf(e)
	message, _ := r.sized()
	if x.Message != nil {
		err := x.Message.Fill(v, func(place reflect.Value) error {
			return r.content(&x.Message.ValueType, place, message)
		})
		if err != nil {
			return &unreadable{err}
		}
	}
	if len(x.Rest) == 0 {
		return e
	}
	rest, _ := r.sized()
	var set wire.FieldSet
	inner := newReader(rest)
	if err := inner.fields(wire.TypeOf(e), v, &set, x.Message); err != nil {
		return &unreadable{fmt.Errorf("%s: %w", x.Name, err)}
	}
	return e
}
