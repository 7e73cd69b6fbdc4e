package line

import (
	"context"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Conn is a connection to a server. It implements [rpc.Conn] by what it embeds. Of
// streams it carries those of results.
type Conn struct{ *pipeline.Conn }

// Dial connects. The connection has one goroutine, which ends with it; another one writes while the server takes
// nothing.
func Dial(ctx context.Context, o rpc.ConnOptions) (*Conn, error) {
	c, err := pipeline.Dial(ctx, o, protocolName, func(l rpc.Limits) pipeline.ClientCodec { return newClientCodec(l) })
	if err != nil {
		return nil, err
	}
	return &Conn{c}, nil
}
