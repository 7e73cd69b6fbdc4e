package web

import (
	"context"
	"strings"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// protocol is the protocol's name in contexts, errors and log lines, and the scheme of targets.
const protocol = "http"

// beginnings are how connections begin: with a method of HTTP, or with HTTP/2's preface (RFC 9113, section 3.4), as far
// as no other method does.
var beginnings = []string{
	"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", preface,
}

// Protocol returns the protocol as a server and a channel take it. Calls are bodies in one of the formats; the first,
// whose messages are JSON, as those of line.Format() are, is that of the client, and of requests without a
// Content-Type.
func Protocol(first pipeline.Format, others ...pipeline.Format) rpc.Protocol {
	return rpc.Protocol{
		Scheme:      protocol,
		ALPN:        []string{"h2", "http/1.1"},
		Spoken:      spoken,
		Detect:      detect,
		DetectBytes: len(preface),
		Dial: rpc.DialAs(func(ctx context.Context, o rpc.ConnOptions) (*Conn, error) {
			return Dial(ctx, o, first)
		}),
		NewServer: func(d *rpc.Dispatcher) rpc.ProtocolServer { return NewServer(d, first, others...) },
	}
}

func spoken(head []byte) string {
	if strings.HasPrefix(string(head), "PRI ") {
		return "h2"
	}
	return "http/1.1"
}

func detect(head []byte) rpc.Match {
	best := rpc.MatchNo
	for _, b := range beginnings {
		best = max(best, rpc.MatchPrefix(head, b))
	}
	return best
}
