package mux

import (
	"syscall"
	"unsafe"
)

// readOnce reads what the socket has: a piece of a large message and what comes behind it in one system call.
func (t *transport) readOnce(fd int) (int, error) {
	if t.reader.dst == nil {
		return syscall.Read(fd, t.reader.space())
	}
	space := t.reader.space()
	t.vectors[0].Base, t.vectors[1].Base = unsafe.SliceData(t.reader.dst), unsafe.SliceData(space)
	t.vectors[0].SetLen(len(t.reader.dst))
	t.vectors[1].SetLen(len(space))
	n, _, errno := syscall.Syscall(syscall.SYS_READV, uintptr(fd), uintptr(unsafe.Pointer(&t.vectors)), 2)
	t.vectors = scatter{}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// scatter is the two places that one read fills.
type scatter [2]syscall.Iovec

// writeOnce writes what the socket takes, from all the places where it is.
func (t *transport) writeOnce(fd int) (int, error) {
	if len(t.bufs) == 1 {
		return syscall.Write(fd, t.bufs[0])
	}
	t.gather = t.gather[:0]
	for _, b := range t.bufs[:min(len(t.bufs), maxVectors)] {
		v := syscall.Iovec{Base: unsafe.SliceData(b)}
		v.SetLen(len(b))
		t.gather = append(t.gather, v)
	}
	n, _, errno := syscall.Syscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&t.gather[0])), uintptr(len(t.gather)))
	clear(t.gather)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// maxVectors is how many places Linux takes in one call.
const maxVectors = 1024

// gather is the places that one write takes from.
type gather []syscall.Iovec
