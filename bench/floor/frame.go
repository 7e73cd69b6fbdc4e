package floor

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
)

// A frame is a header of three little-endian u32, the body's length, the call's id and the operation, and the body.
const headerSize = 12

// The operations. A reply repeats the request's.
const (
	opDivide = iota // body: two i32; reply: an f32
	opEcho
)

// Bodies of this size and more are written by reference and read straight into a buffer of their own.
const large = 32 << 10

// bufferSize holds a header and any body that is not large.
const bufferSize = 64 << 10

type header struct {
	size int
	id   uint32
	op   uint32
}

func appendHeader(b []byte, h header) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(h.size))
	b = binary.LittleEndian.AppendUint32(b, h.id)
	return binary.LittleEndian.AppendUint32(b, h.op)
}

func readHeader(r *bufio.Reader) (header, error) {
	b, err := r.Peek(headerSize)
	if err != nil {
		return header{}, err
	}
	h := header{
		size: int(binary.LittleEndian.Uint32(b)),
		id:   binary.LittleEndian.Uint32(b[4:]),
		op:   binary.LittleEndian.Uint32(b[8:]),
	}
	_, err = r.Discard(headerSize)
	return h, err
}

// readBody reads a body into a slice of its own.
func readBody(r *bufio.Reader, size int) ([]byte, error) {
	body := make([]byte, size)
	_, err := io.ReadFull(r, body)
	return body, err
}

func appendNumbers(b []byte, num1, num2 int32) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(num1))
	return binary.LittleEndian.AppendUint32(b, uint32(num2))
}

func numbers(body []byte) (num1, num2 int32) {
	return int32(binary.LittleEndian.Uint32(body)), int32(binary.LittleEndian.Uint32(body[4:]))
}

func appendFloat(b []byte, f float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
}

func float(body []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(body)) }
