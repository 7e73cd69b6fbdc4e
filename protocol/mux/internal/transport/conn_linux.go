package transport

import (
	"syscall"
	"unsafe"
)

// readOnce reads what the socket has: a piece of a large message and what comes behind it in one system call.
func (t *Conn) readOnce(fd int) (int, error) {
	if t.reader.dst == nil {
		return syscall.Read(fd, t.reader.space())
	}
	space := t.reader.space()
	if t.scatter == nil {
		t.scatter = new(scatter)
	}
	vectors := t.scatter
	vectors[0].Base, vectors[1].Base = unsafe.SliceData(t.reader.dst), unsafe.SliceData(space)
	vectors[0].SetLen(len(t.reader.dst))
	vectors[1].SetLen(len(space))
	n, _, errno := syscall.Syscall(syscall.SYS_READV, uintptr(fd), uintptr(unsafe.Pointer(vectors)), 2)
	*vectors = scatter{}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// scatter is the two places that one read fills.
type scatter [2]syscall.Iovec

// writeOnce writes what the socket takes, from all the places where it is.
func (t *Conn) writeOnce(fd int) (int, error) {
	bufs := *t.bufs
	if len(bufs) == 1 {
		return syscall.Write(fd, bufs[0])
	}
	if t.gather == nil {
		t.gather = new(gather)
	}
	vectors := (*t.gather)[:0]
	for _, b := range bufs[:min(len(bufs), maxVectors)] {
		v := syscall.Iovec{Base: unsafe.SliceData(b)}
		v.SetLen(len(b))
		vectors = append(vectors, v)
	}
	n, _, errno := syscall.Syscall(syscall.SYS_WRITEV,
		uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(vectors))), uintptr(len(vectors)))
	clear(vectors)
	*t.gather = vectors
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// maxVectors is how many places Linux takes in one call.
const maxVectors = 1024

// gather is the places that one write takes from.
type gather []syscall.Iovec
