package dynamic

import (
	"context"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A Client calls the methods of a package by name. Many goroutines may use one at once.
type Client struct {
	ch rpc.Channel
	p  *Package
}

// NewClient returns a client that calls the methods of p through ch.
func NewClient(ch rpc.Channel, p *Package) *Client { return &Client{ch, p} }

// Call calls the method that name means, as [Package.Method] says, with arguments as [Message.Set] takes them, and
// returns the result as [Method.Call] does.
func (c *Client) Call(ctx context.Context, name string, args map[string]any) (any, error) {
	m, err := c.p.Method(name)
	if err != nil {
		return nil, err
	}
	message := m.NewArgs()
	if err := message.SetAll(args); err != nil {
		return nil, rpc.Errorf(rpc.InvalidArgument, "%w", err).For(&m.rpc, rpc.OutcomeNotStarted)
	}
	return m.Call(ctx, c.ch, message)
}

// CallJSON is Call with the parameters as one JSON object, in which nothing may be that the method does not know, and
// the result as JSON, with all fields, in which what a method without a result returns is null.
func (c *Client) CallJSON(ctx context.Context, name string, params []byte) ([]byte, error) {
	m, err := c.p.Method(name)
	if err != nil {
		return nil, err
	}
	args := m.NewArgs()
	if err := wire.UnmarshalArguments(params, args); err != nil {
		return nil, rpc.Errorf(rpc.InvalidArgument, "%w", err).For(&m.rpc, rpc.OutcomeNotStarted)
	}
	if err := m.unary(args); err != nil {
		return nil, err
	}
	call := m.NewCall(args)
	if err := c.ch.Call(ctx, call); err != nil {
		return nil, err
	}
	return m.AppendResult(nil, call)
}

// CallJSON calls a method whose definition this program does not have, with the parameters as one JSON object, and
// returns the result as JSON. The server checks what is given. It goes over the protocols that carry names, line and
// HTTP; over mux and basic it fails. An exception is an [*rpc.UndeclaredException] within an [*rpc.Error].
func CallJSON(ctx context.Context, ch rpc.Channel, method string, params []byte) ([]byte, error) {
	c := NewJSONCall(method, params)
	if err := ch.Call(ctx, c); err != nil {
		return nil, err
	}
	return c.Result.(*wire.JSONText).Text, nil
}

// NewJSONCall returns the call that [CallJSON] makes, which may be used again once it has returned. Its Result is a
// [*wire.JSONText].
func NewJSONCall(method string, params []byte) *rpc.Call {
	return &rpc.Call{
		Method: &rpc.Method{Name: method, Own: true},
		Args:   &wire.JSONText{Text: params},
		Result: new(wire.JSONText),
	}
}
