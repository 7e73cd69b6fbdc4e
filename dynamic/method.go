package dynamic

import (
	"context"
	"fmt"
	"slices"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/nearest"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A Method makes and answers calls of one method of a definition.
type Method struct {
	schema     *schema.Method
	rpc        rpc.Method
	args       *wire.Type
	result     *wire.Type
	exceptions []*exceptionType
}

// method makes the method that m declares.
func (b *builder) method(m *schema.Method, service string) (*Method, error) {
	d := &Method{
		schema: m,
		rpc: rpc.Method{
			Service: service, Name: m.Name, Own: m.Service.Own, Idempotent: m.Idempotent, Timeout: m.Timeout,
			ClientStream: m.StreamParam != nil, ServerStream: m.StreamResult,
		},
		args:   wire.NewType("the arguments of "+m.Name, false),
		result: wire.NewType("the result of "+m.Name, false),
	}
	for _, x := range m.Exceptions {
		t := b.types[x]
		if t == nil {
			return nil, fmt.Errorf("%s: the exception %s is in no file that was loaded or imported", m.Name, x.Name)
		}
		one := newExceptionType(x, t)
		d.exceptions = append(d.exceptions, one)
		d.rpc.Exceptions = append(d.rpc.Exceptions, one.newException)
	}
	if err := b.defineFields(d.args, messageParams(m)); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	var result []*schema.Field
	if m.Result != nil {
		result = []*schema.Field{{Number: 1, Name: "result", Type: m.Result}}
	}
	if err := b.defineFields(d.result, result); err != nil {
		return nil, fmt.Errorf("%s: result: %w", m.Name, err)
	}
	return d, nil
}

// messageParams returns the parameters of m as the messages of its arguments have them. Where there is a stream, the
// messages of its elements lack the others, so that none is required in a message; of those that the method requires
// the presence is known instead.
func messageParams(m *schema.Method) []*schema.Field {
	if m.StreamParam == nil {
		return m.Params
	}
	var params []*schema.Field
	for _, p := range m.Params {
		if p.Required {
			field, of := *p, *p.Type
			field.Required, field.Type, of.Optional = false, &of, true
			p = &field
		}
		params = append(params, p)
	}
	return params
}

// Schema returns the declaration, with parameters, exceptions and documentation.
func (m *Method) Schema() *schema.Method { return m.schema }

// FullName returns the name by which the method is known everywhere, "calc.Calculator/divide".
func (m *Method) FullName() string { return m.rpc.FullName() }

func (m *Method) shortName() string { return m.schema.Service.Name + "." + m.schema.Name }

// Streams reports whether the arguments or the result are a stream, which [Method.Stream] carries, and Call and Handle
// do not.
func (m *Method) Streams() bool { return m.rpc.ClientStream || m.rpc.ServerStream }

// NewArgs returns arguments in which every parameter has its default, and those without one are absent.
func (m *Method) NewArgs() *Message { return (*Message)(wire.NewRecord(m.args)) }

// NewCall returns a call with the given arguments for a channel, an interceptor's test, or whoever else wants one. It
// may be used again once it has returned, with args shared by calls that run at the same time as long as nobody changes
// them. Result gives what the last one returned.
func (m *Method) NewCall(args *Message) *rpc.Call {
	return &rpc.Call{Method: &m.rpc, Args: args, Result: (*Message)(wire.NewRecord(m.result))}
}

// Result returns the result of a call that NewCall made and that succeeded, as [Message.Get] returns values; nil for a
// method without one.
func (m *Method) Result(c *rpc.Call) any {
	if len(m.result.Fields) == 0 {
		return nil
	}
	v, _ := c.Result.(*Message).Get("result")
	return v
}

// AppendResult appends the result of a call that NewCall made and that succeeded to b as JSON, with all fields, those
// that equal their defaults too; null for a method without one.
func (m *Method) AppendResult(b []byte, c *rpc.Call) ([]byte, error) {
	const before = `{"result":`
	if len(m.result.Fields) == 0 {
		return append(b, "null"...), nil
	}
	n := len(b)
	b, err := wire.AppendFullJSON(b, c.Result)
	if err != nil {
		return b[:n], err
	}
	return slices.Delete(b, n, n+len(before))[:len(b)-len(before)-1], nil
}

// Call calls the method through ch and returns the result, as [Message.Get] returns values. The errors are those of
// [rpc.Channel], an exception being an [*Exception]. A call that lacks a required parameter is not sent, nor one with a
// value that the constraints of the definition do not allow.
func (m *Method) Call(ctx context.Context, ch rpc.Channel, args *Message) (any, error) {
	c := m.NewCall(args)
	if err := m.unary(args); err != nil {
		return nil, err
	}
	if err := ch.Call(ctx, c); err != nil {
		return nil, err
	}
	return m.Result(c), nil
}

// unary is Check for a call of a method without streams.
func (m *Method) unary(args *Message) error {
	if m.Streams() {
		return rpc.Errorf(rpc.Unimplemented,
			"%s has a stream, and this call carries one message each way; Method.Stream makes one",
			m.schema.Name).For(&m.rpc, rpc.OutcomeNotStarted)
	}
	return m.Check(args)
}

// Check returns why a call with args would not be sent: they are not the method's, lack a required parameter, or have a
// value that its constraints do not allow (see [rpc.Validate]). Where the method takes a stream, the server alone
// checks constraints.
func (m *Method) Check(args *Message) error {
	if args == nil || args.Record().Type() != m.args {
		return rpc.Errorf(rpc.InvalidArgument, "the arguments are not those of %s; NewArgs makes them",
			m.schema.Name).For(&m.rpc, rpc.OutcomeNotStarted)
	}
	if absent := m.missing(args); absent != "" {
		return rpc.Errorf(rpc.InvalidArgument, "missing argument %q", absent).For(&m.rpc, rpc.OutcomeNotStarted)
	}
	if m.rpc.ClientStream { // of whose elements there is none in args
		return nil
	}
	if err := rpc.Validate(args); err != nil {
		return err.(*rpc.Error).For(&m.rpc, rpc.OutcomeNotStarted)
	}
	return nil
}

// A Handler answers a call of m. Args are its own. It returns the result, as [Message.Set] takes values, or an error:
// an [*Exception] that the method declares, or any other, as handlers of generated services do.
type Handler func(ctx context.Context, m *Method, args *Message) (any, error)

// Handle returns the endpoint that answers the method's calls with h.
func (m *Method) Handle(h Handler) *rpc.Endpoint {
	return rpc.NewEndpoint(&m.rpc, func() *rpc.Call { return m.NewCall(m.NewArgs()) },
		func(ctx context.Context, c *rpc.Call) error {
			result, err := h(ctx, m, c.Args.(*Message))
			if err != nil || len(m.result.Fields) == 0 {
				return err
			}
			if err := c.Result.(*Message).Set("result", result); err != nil {
				return rpc.Errorf(rpc.Internal, "the handler returned something else than %s: %w", m.schema.Name, err)
			}
			return nil
		})
}

// NewException returns the exception with a bare or full name that the method declares, with its defaults, for a
// handler to return.
func (m *Method) NewException(name string) (*Exception, error) {
	names := make([]string, len(m.exceptions))
	for i, x := range m.exceptions {
		if names[i] = x.wire.Name; name == x.name || name == x.wire.Name {
			return x.newException().(*Exception), nil
		}
	}
	return nil, fmt.Errorf("%s declares no exception %s; it declares %s", m.schema.Name, rpc.Quote(name),
		nearest.List(name, names))
}
