// Package linger ends a connection so that its peer can read all that was written to it. A TCP connection that is
// closed with bytes unread, or that gets some after it was closed, is reset, and a reset destroys what the peer has not
// read. So the writing side is ended first, and what still comes is read and dropped until the peer ends its side in
// turn.
package linger

import (
	"io"
	"net"
	"time"
)

// Write writes words, the last that nc's peer is to get, and then is End. All of it is over by the given time.
func Write(nc net.Conn, words []byte, by time.Time) {
	_ = nc.SetWriteDeadline(by)
	if _, err := nc.Write(words); err == nil {
		End(nc, by)
	}
}

// End ends the writing side of nc and reads what still comes, until the peer ends its side or until the given time. It
// does nothing where the writing side cannot be ended alone: no peer would know then that it is to end its own. The
// caller closes nc afterwards, and nobody else may read from it meanwhile.
func End(nc net.Conn, by time.Time) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = nc.SetReadDeadline(by)
		_, _ = io.Copy(io.Discard, nc)
	}
}
