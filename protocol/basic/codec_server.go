package basic

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A serverCodec reads requests and writes answers for the methods of one dispatcher. Many goroutines may use it at
// once.
type serverCodec struct {
	d       *rpc.Dispatcher
	methods []*method // by the index of their routes; nil for one with streams
}

// newServerCodec returns the codec for the methods of d.
func newServerCodec(d *rpc.Dispatcher) *serverCodec {
	s := &serverCodec{d: d}
	for _, route := range d.Routes() {
		var m *method
		if route.Unary() {
			c := route.NewCall()
			m = newMethod(c)
			c.Release()
		}
		s.methods = append(s.methods, m)
	}
	return s
}

// Problems returns why methods of the server cannot be called over the protocol, an error for each such method. Methods
// with streams are not among them.
func (s *serverCodec) Problems() []error {
	var problems []error
	for _, m := range s.methods {
		if m != nil && m.problem != nil {
			problems = append(problems, m.problem)
		}
	}
	return problems
}

// ServeMessage answers one request, of which request holds all bytes. It appends the answer to response and returns it
// with the code of a failed call, 0 for a result, and the context that the handler had. admit may be nil; see
// [pipeline.ServeMessage].
func (s *serverCodec) ServeMessage(ctx context.Context, info rpc.CallInfo, request, response []byte,
	admit func(*rpc.Route) *rpc.Error) (
	[]byte, rpc.Code, *rpc.ServerContext,
) {
	if n, err := frameRequest(request, s.d.Limits.Limits); err != nil || n == 0 || n != len(request) {
		if err == nil {
			err = invalid("the request declares another length than the %d bytes that it has", len(request))
		}
		return s.AppendFailure(response, rpc.Failure{Index: -1, Err: err}), err.Code, nil
	}
	return pipeline.ServeMessage(ctx, s, s.d, info, request, response, admit)
}

// Frame finds the end of a request.
func (s *serverCodec) Frame(buf []byte, _ int) (start, end int, err *rpc.Error) {
	end, err = frameRequest(buf, s.d.Limits.Limits)
	return 0, end, err
}

// Decode reads a request that Frame found.
func (s *serverCodec) Decode(message []byte) (*rpc.Route, *rpc.Call, *rpc.Error) {
	r := newReader(message)
	name, _ := r.sized()
	route, unknown := s.d.Find(name)
	if unknown != nil {
		return nil, nil, unknown
	}
	if !route.Unary() {
		return nil, nil, rpc.NoStreams(route.Method, protocolName)
	}
	m := s.methods[route.Index]
	if m.problem != nil {
		return nil, nil, m.problem
	}
	r.buf, _ = r.sized()
	c := route.NewCall()
	if err := m.readArguments(&r, c.Args); err != nil {
		c.Release()
		return nil, nil, invalid("arguments of %s: %w", m.Name, err)
	}
	return route, c, nil
}

func (m *method) readArguments(r *reader, args rpc.Message) error {
	var set wire.FieldSet
	if err := r.fields(m.args, wire.ValueOf(args), &set, nil); err != nil {
		return err
	}
	if f := m.args.Missing(&set); f != nil {
		return fmt.Errorf("%s (number %d) is required and missing", f.Name, f.Number)
	}
	return nil
}

// AppendResult appends the answer that holds c.Result.
func (s *serverCodec) AppendResult(b []byte, c *rpc.Call) ([]byte, error) {
	w := writer{buf: append(b, statusResult)}
	if t := wire.TypeOf(c.Result); len(t.Fields) > 0 {
		w.result(&t.Fields[0], wire.ValueOf(c.Result))
	}
	if w.err != nil {
		return nil, rpc.Errorf(rpc.Internal, "the result cannot be written: %w", wire.Explain(c.Result, w.err))
	}
	return w.buf, nil
}

func (w *writer) result(f *wire.Field, m reflect.Value) {
	v, _ := f.Get(m)
	if f.Optional {
		w.bool(v.IsValid())
		if !v.IsValid() {
			return
		}
	}
	w.value(&f.ValueType, v)
}

// AppendFailure appends the answer for a failed call.
func (s *serverCodec) AppendFailure(b []byte, f rpc.Failure) []byte {
	if f.Exception != nil {
		w := writer{buf: append(b, byte(statusFirstException+f.Index))}
		if w.exception(f.Exception); w.err == nil {
			return w.buf
		}
		f.Err = rpc.Errorf(rpc.Internal, "the exception cannot be written: %w", wire.Explain(f.Exception, w.err))
	}
	w := writer{buf: append(b, statusSystem)}
	code := f.Err.Code.String()
	if f.Err.Outcome == rpc.OutcomeNotStarted {
		code += notStarted
	}
	w.text(strings.ToValidUTF8(code+": "+f.Err.Message, "\uFFFD"))
	return w.buf
}

func (w *writer) exception(e rpc.Exception) {
	x := pipeline.DescribeException(func() rpc.Exception { return e })
	v := wire.ValueOf(e)
	w.text(x.Text(v))
	if len(x.Rest) == 0 {
		return
	}
	at := len(w.buf)
	w.buf = append(w.buf, 0, 0, 0, 0)
	for _, f := range x.Rest {
		w.field(f, v)
	}
	w.setLength(at)
}
