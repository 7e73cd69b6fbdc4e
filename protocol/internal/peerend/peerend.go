// Package peerend tells of a peer's end that stands behind bytes which nobody has read yet. Reading would tell, too,
// but only after all of them.
package peerend

import (
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// Every is how often to look while a handler runs and nobody reads: often enough that the end is noticed within 10 ms.
const Every = 5 * time.Millisecond

// Reached reports whether the peer has ended its side of nc, or the connection has failed, whatever stands unread
// before that. It knows so on Linux, where nc is a TCP connection, a unix socket, or TLS over one; elsewhere it says
// false. The end is not there yet while the peer's system still holds bytes for which this one has no room.
func Reached(nc net.Conn) bool {
	raw := rawConn(nc)
	if raw == nil {
		return false
	}
	var ended bool
	if raw.Control(func(fd uintptr) { ended = reached(int(fd)) }) != nil {
		return true // it was closed here
	}
	return ended
}

// Await waits until what Reached tells is so, and returns true; or until the read deadline of nc passes or nc is closed
// here, and returns false, as it does at once where Reached knows nothing. Nobody may read from nc meanwhile. It wakes
// up when something comes, and not to look.
func Await(nc net.Conn) (ended bool) {
	raw := rawConn(nc)
	if raw == nil || !known {
		return false
	}
	_ = raw.Read(func(fd uintptr) bool {
		ended = reached(int(fd))
		return ended
	})
	return ended
}

// rawConn returns the socket that is inside nc, nil if there is none.
func rawConn(nc net.Conn) syscall.RawConn {
	for {
		t, ok := nc.(interface{ NetConn() net.Conn }) // TLS, and wrappers
		if !ok {
			break
		}
		nc = t.NetConn()
	}
	c, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

var _ interface{ NetConn() net.Conn } = (*tls.Conn)(nil)
