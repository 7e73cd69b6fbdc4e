package line

import (
	"strings"

	"github.com/yodelrpc/yodel/rpc"
)

// ALPN is the name by which TLS agrees on the protocol.
const ALPN = "yodel-line/1"

// Protocol returns the protocol as a server and a channel take it. Its connections begin with an object, or the white
// space before one.
func Protocol() rpc.Protocol {
	return rpc.Protocol{
		Scheme:      protocolName,
		ALPN:        []string{ALPN},
		Detect:      detect,
		DetectBytes: 1,
		Dial:        rpc.DialAs(Dial),
		NewServer:   func(d *rpc.Dispatcher) rpc.ProtocolServer { return NewServer(d) },
	}
}

func detect(head []byte) rpc.Match {
	if strings.IndexByte("{ \t\r\n", head[0]) >= 0 {
		return rpc.MatchYes
	}
	return rpc.MatchNo
}
