package basic

import (
	"context"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Conn is a connection to a server. It implements [rpc.Conn] by what it embeds, except for calls with streams.
type Conn struct{ *pipeline.Conn }

// Dial connects. The connection has one goroutine, which ends with it; another one writes while the server takes
// nothing.
func Dial(ctx context.Context, o rpc.ConnOptions) (*Conn, error) {
	c, err := pipeline.Dial(ctx, o, func(l rpc.Limits) pipeline.ClientCodec { return newClientCodec(l) })
	if err != nil {
		return nil, err
	}
	return &Conn{c}, nil
}

// Call makes a unary call: the protocol carries no streams.
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
	if call.Body != nil {
		return rpc.NoStreams(call.Method, protocolName)
	}
	return c.Conn.Call(ctx, call)
}
