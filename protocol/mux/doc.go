// Package mux is the fast protocol, and the default: any number of callers share one connection, up to as many calls at
// once as the server allows, and each is answered as soon as its handler returns. It carries deadlines, cancellation,
// metadata both ways, and whether a call that failed had started. PROTOCOL.md has the frames.
//
// [Dial] makes a client's connection, [NewServer] the other side. A frame goes through these files, in this order:
//
//	client.go          Call: a slot (pending.go), the encoded frame, the wait for the answer (deadlines.go)
//	internal/frame     the bytes: headers, settings, what stands in front of a message
//	output.go          one write for the frames of many callers; large.go writes large messages by reference
//	transport.go       the net.Conn under output.go and input.go
//	server_conn.go     the server's reader (input.go), which finds the method and decodes the arguments
//	server_call.go     the handler runs on the reader or a worker (workers.go), as learn.go and watchdog.go have it, when
//	                   queue.go finds that its answer has room
//	client_reader.go   the answer finds its caller; client_role.go lets a lone caller read for itself
//
// Where the speed comes from is told in docs/performance.md.
package mux

import "github.com/yodelrpc/yodel/protocol/mux/internal/frame"

// Magic is what a connection of the protocol begins with.
const Magic = frame.Magic

// ALPN is the name by which TLS agrees on the protocol.
const ALPN = "yodel-mux/1"
