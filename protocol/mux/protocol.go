// Package mux is the fast protocol, and the default: any number of callers share one connection, up to as many calls at
// once as the server allows, and each is answered as soon as its handler returns. It carries deadlines, cancellation,
// metadata both ways, and whether a call that failed had started. PROTOCOL.md has the frames.
//
// [Dial] makes a client's connection, [NewServer] the other side. A frame goes through these files, in this order:
//
//	client.go          Dial; Call: a slot (client_pending.go), the frame (client_encode.go), the wait for its answer
//	internal/transport frames queue in an Output, which writes those of many callers at once and large messages by
//	                   reference; an Input reads them on the other side
//	server_conn.go     the server's reader, which finds the method and decodes the arguments (server_slots.go has the
//	                   calls that run, and those of which pieces are missing)
//	server_call.go     the handler runs on the reader where server_inline.go has learned that it is fast, or else on a
//	                   worker, when server_queue.go finds that its answer has room
//	client_reader.go   the answer finds its caller; client_role.go lets a lone caller read for itself
//
// A call with a stream begins and ends in streams.go; its messages wait in internal/stream, and internal/flow says how
// many may be sent.
//
// What is compressed, and how, is in internal/packing.
//
// Files are named by what they belong to, client_ or server_. The halves of a connection, which both sides have, are in
// internal/transport, and the bytes in internal/frame. server_drain.go is how a server that shuts down ends a
// connection.
//
// Where the speed comes from is told in docs/performance.md.
package mux

import (
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/packing"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
)

// Magic is what a connection of the protocol begins with.
const Magic = frame.Magic

// ALPN is the name by which TLS agrees on the protocol.
const ALPN = "yodel-mux/1"

// Protocol returns the protocol as a server and a channel take it. Its connections begin with the preface.
func Protocol() rpc.Protocol {
	return rpc.Protocol{
		Scheme:      "mux",
		ALPN:        []string{ALPN},
		Detect:      func(head []byte) rpc.Match { return rpc.MatchPrefix(head, Magic) },
		DetectBytes: len(Magic),
		Dial:        rpc.DialAs(Dial),
		NewServer:   func(d *rpc.Dispatcher) rpc.ProtocolServer { return NewServer(d) },
	}
}

// meter tells p how fast the network is, if there is something to learn.
func meter(p *packing.Conn, out *transport.Output) {
	if p != nil && !p.Local() {
		out.OnWait(p.Wrote)
	}
}
