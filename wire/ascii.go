package wire

import (
	"encoding/binary"
	"unsafe"
)

// notASCII are the bits that no byte of an ASCII text has.
const notASCII = 0x8080808080808080

// copyASCII copies s to the bytes at to and reports whether all of it is ASCII. Short strings, which most are, are
// copied and checked at once, eight bytes at a time, of which the last ones overlap.
func copyASCII(to unsafe.Pointer, s string) bool {
	from := unsafe.Pointer(unsafe.StringData(s))
	if len(s) < 8 {
		return copyShort(to, from, len(s))
	}
	last := len(s) - 8
	end := load(from, last)
	all := end
	for i := 0; i < last; i += 8 {
		v := load(from, i)
		store(to, i, v)
		all |= v
	}
	store(to, last, end)
	return all&notASCII == 0
}

// copyShort is copyASCII for less than eight bytes.
func copyShort(to, from unsafe.Pointer, n int) bool {
	var all byte
	for i := range n {
		v := *(*byte)(unsafe.Add(from, i))
		*(*byte)(unsafe.Add(to, i)) = v
		all |= v
	}
	return all < 0x80
}

// isASCII reports whether the n bytes at p are ASCII.
func isASCII(p unsafe.Pointer, n int) bool {
	var all uint64
	if n < 8 {
		for i := range n {
			all |= uint64(*(*byte)(unsafe.Add(p, i)))
		}
		return all < 0x80
	}
	for i := 0; i < n-8; i += 8 {
		all |= load(p, i)
	}
	return (all|load(p, n-8))&notASCII == 0
}

// load returns the eight bytes at p and offset as a number.
func load(p unsafe.Pointer, offset int) uint64 {
	return binary.NativeEndian.Uint64((*[8]byte)(unsafe.Add(p, offset))[:])
}

// store is the opposite of load.
func store(p unsafe.Pointer, offset int, v uint64) {
	binary.NativeEndian.PutUint64((*[8]byte)(unsafe.Add(p, offset))[:], v)
}
