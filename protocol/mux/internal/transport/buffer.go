package transport

import (
	"sync"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
)

// Buffers come in three sizes, so that a connection with little to say holds little. The largest takes any frame.
const (
	SmallBuffer  = 4 << 10
	MediumBuffer = 16 << 10
	LargeBuffer  = frame.MaxSize
)

var (
	smallBuffers  = sync.Pool{New: func() any { return new([SmallBuffer]byte) }}
	mediumBuffers = sync.Pool{New: func() any { return new([MediumBuffer]byte) }}
	largeBuffers  = sync.Pool{New: func() any { return new([LargeBuffer]byte) }}
)

// GetBuffer returns a buffer of the smallest size that is at least n.
func GetBuffer(n int) []byte {
	switch {
	case n <= SmallBuffer:
		return smallBuffers.Get().(*[SmallBuffer]byte)[:]
	case n <= MediumBuffer:
		return mediumBuffers.Get().(*[MediumBuffer]byte)[:]
	default:
		return largeBuffers.Get().(*[LargeBuffer]byte)[:]
	}
}

// PutBuffer takes back a buffer of GetBuffer at its full length; others it leaves to the garbage collector.
func PutBuffer(b []byte) {
	switch cap(b) {
	case SmallBuffer:
		smallBuffers.Put((*[SmallBuffer]byte)(b[:SmallBuffer]))
	case MediumBuffer:
		mediumBuffers.Put((*[MediumBuffer]byte)(b[:MediumBuffer]))
	case LargeBuffer:
		largeBuffers.Put((*[LargeBuffer]byte)(b[:LargeBuffer]))
	}
}

// Grow returns b with room for n more bytes, in a buffer of GetBuffer up to the largest size.
func Grow(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) || need > LargeBuffer {
		return b
	}
	bigger := append(GetBuffer(need)[:0], b...)
	PutBuffer(b)
	return bigger
}
