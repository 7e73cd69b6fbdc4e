package peercred

import (
	"syscall"
	"unsafe"

	"github.com/yodelrpc/yodel/rpc"
)

// Of sys/un.h and sys/ucred.h.
const (
	solLocal      = 0
	localPeerCred = 1
	localPeerPID  = 2
	credVersion   = 0
)

// A xucred is struct xucred of sys/ucred.h. The first of the groups is the effective one.
type xucred struct {
	version uint32
	uid     uint32
	ngroups int16
	groups  [16]uint32
}

// ofSocket asks for LOCAL_PEERCRED and LOCAL_PEERPID, which are options of unix sockets alone.
func ofSocket(fd uintptr) *rpc.UnixCredentials {
	var cred xucred
	if !option(fd, localPeerCred, unsafe.Pointer(&cred), unsafe.Sizeof(cred)) ||
		cred.version != credVersion || cred.ngroups < 1 {
		return nil
	}
	var pid int32
	if !option(fd, localPeerPID, unsafe.Pointer(&pid), unsafe.Sizeof(pid)) {
		pid = 0
	}
	return &rpc.UnixCredentials{UID: cred.uid, GID: cred.groups[0], PID: int(pid)}
}

// option reads a socket's option of SOL_LOCAL, and reports whether all of it is there.
func option(fd uintptr, name int, value unsafe.Pointer, size uintptr) bool {
	n := uint32(size)
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, solLocal, uintptr(name), uintptr(value),
		uintptr(unsafe.Pointer(&n)), 0)
	return errno == 0 && uintptr(n) == size
}
