package mux

import (
	"context"

	"github.com/yodelrpc/yodel/rpc"
)

// Protocol returns the protocol as a server and a channel take it. Its connections begin with the preface.
func Protocol() rpc.Protocol {
	return rpc.Protocol{
		Scheme:      "mux",
		ALPN:        []string{ALPN},
		Detect:      func(head []byte) rpc.Match { return rpc.MatchPrefix(head, Magic) },
		DetectBytes: len(Magic),
		Dial: func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) {
			c, err := Dial(ctx, o)
			if err != nil {
				return nil, err // and not a nil pointer in an interface
			}
			return c, nil
		},
		NewServer: func(d *rpc.Dispatcher) rpc.ProtocolServer { return NewServer(d) },
	}
}
