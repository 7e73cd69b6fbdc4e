package peercred

import (
	"syscall"

	"github.com/yodelrpc/yodel/rpc"
)

// ofSocket asks for SO_PEERCRED (unix(7)). On sockets of other families that gives values that mean nothing, and no
// error.
func ofSocket(fd uintptr) *rpc.UnixCredentials {
	address, err := syscall.Getsockname(int(fd))
	if _, ok := address.(*syscall.SockaddrUnix); !ok || err != nil {
		return nil
	}
	c, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return nil
	}
	return &rpc.UnixCredentials{UID: c.Uid, GID: c.Gid, PID: int(c.Pid)}
}
