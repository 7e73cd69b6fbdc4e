package mux

import (
	"syscall"
	"unsafe"
)

// readOnce reads what the socket has: a piece of a large message and what comes behind it in one system call.
func (in *input) readOnce(fd int) (int, error) {
	if in.dst == nil {
		return syscall.Read(fd, in.space())
	}
	space := in.space()
	in.vectors[0].Base, in.vectors[1].Base = unsafe.SliceData(in.dst), unsafe.SliceData(space)
	in.vectors[0].SetLen(len(in.dst))
	in.vectors[1].SetLen(len(space))
	n, _, errno := syscall.Syscall(syscall.SYS_READV, uintptr(fd), uintptr(unsafe.Pointer(&in.vectors)), 2)
	in.vectors = scatter{}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// scatter is the two places that one read fills.
type scatter [2]syscall.Iovec
