// Package peercred asks the system which process is at the other end of a unix socket.
package peercred

import (
	"net"
	"syscall"

	"github.com/yodelrpc/yodel/rpc"
)

// Of returns the credentials of the process at the other end of nc, also where nc wraps a connection and shows it by
// NetConn or SyscallConn, as TLS does; nil where that is no unix socket, or the system does not tell.
func Of(nc net.Conn) *rpc.UnixCredentials {
	for {
		wrapper, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		nc = wrapper.NetConn()
	}
	s, ok := nc.(syscall.Conn)
	if _, isTCP := nc.(*net.TCPConn); isTCP || !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	var c *rpc.UnixCredentials
	err = raw.Control(func(fd uintptr) { c = ofSocket(fd) })
	if err != nil {
		return nil
	}
	return c
}
