package basic

import (
	"github.com/yodelrpc/yodel/rpc"
)

// ALPN is the name by which TLS agrees on the protocol.
const ALPN = "yodel-basic/1"

// Protocol returns the protocol as a server and a channel take it. Its connections begin with the length of a name,
// which is short: with a 0.
func Protocol() rpc.Protocol {
	return rpc.Protocol{
		Scheme:      protocolName,
		ALPN:        []string{ALPN},
		Detect:      func(head []byte) rpc.Match { return rpc.MatchPrefix(head, "\x00") },
		DetectBytes: 1,
		Dial:        rpc.DialAs(Dial),
		NewServer:   func(d *rpc.Dispatcher) rpc.ProtocolServer { return NewServer(d) },
	}
}
