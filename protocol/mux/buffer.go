package mux

import (
	"sync"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
)

// Buffers come in three sizes, so that a connection with little to say holds little. The largest takes any frame.
const (
	smallBuffer  = 4 << 10
	mediumBuffer = 16 << 10
	largeBuffer  = frame.MaxSize
)

var (
	smallBuffers  = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	mediumBuffers = sync.Pool{New: func() any { return new([mediumBuffer]byte) }}
	largeBuffers  = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

// getBuffer returns a buffer of the smallest size that is at least n.
func getBuffer(n int) []byte {
	switch {
	case n <= smallBuffer:
		return smallBuffers.Get().(*[smallBuffer]byte)[:]
	case n <= mediumBuffer:
		return mediumBuffers.Get().(*[mediumBuffer]byte)[:]
	default:
		return largeBuffers.Get().(*[largeBuffer]byte)[:]
	}
}

// putBuffer takes back a buffer of getBuffer at its full length; others it leaves to the garbage collector.
func putBuffer(b []byte) {
	switch cap(b) {
	case smallBuffer:
		smallBuffers.Put((*[smallBuffer]byte)(b[:smallBuffer]))
	case mediumBuffer:
		mediumBuffers.Put((*[mediumBuffer]byte)(b[:mediumBuffer]))
	case largeBuffer:
		largeBuffers.Put((*[largeBuffer]byte)(b[:largeBuffer]))
	}
}

// grow returns b with room for n more bytes, in a buffer of getBuffer up to the largest size.
func grow(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) || need > largeBuffer {
		return b
	}
	bigger := append(getBuffer(need)[:0], b...)
	putBuffer(b)
	return bigger
}
