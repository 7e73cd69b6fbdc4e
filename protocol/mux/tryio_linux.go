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

// writeOnce writes what the socket takes, from all the places where it is.
func (o *output) writeOnce(fd int) (int, error) {
	if len(o.try) == 1 {
		return syscall.Write(fd, o.try[0])
	}
	o.gather = o.gather[:0]
	for _, b := range o.try[:min(len(o.try), maxVectors)] {
		v := syscall.Iovec{Base: unsafe.SliceData(b)}
		v.SetLen(len(b))
		o.gather = append(o.gather, v)
	}
	n, _, errno := syscall.Syscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&o.gather[0])), uintptr(len(o.gather)))
	clear(o.gather)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// maxVectors is how many places Linux takes in one call.
const maxVectors = 1024

// gather is the places that one write takes from.
type gather []syscall.Iovec
