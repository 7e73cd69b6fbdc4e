package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// MaxDepth is how many messages may stand inside one another, below the outermost one.
const MaxDepth = 100

// The wire types, the low three bits of a tag. See https://protobuf.dev/programming-guides/encoding/.
const (
	typeVarint = 0
	typeI64    = 1
	typeLen    = 2
	typeSGroup = 3
	typeEGroup = 4
	typeI32    = 5
)

// An Encoder appends fields to a buffer. The first error sticks and ends the encoding. Each Put method writes one field, whatever
// its value; leaving off what equals its default is for the caller to do.
type Encoder struct {
	buf   []byte
	depth int
	err   error
}

// Reset makes e append to buf, with no error.
func (e *Encoder) Reset(buf []byte) { *e = Encoder{buf: buf} }

// Bytes returns the buffer as it was given to Reset with all that was appended, or the first error.
func (e *Encoder) Bytes() ([]byte, error) { return e.buf, e.err }

// PutBool writes a field of type bool.
func (e *Encoder) PutBool(number int, v bool) { e.putVarint(number, bit(v)) }

// PutInt32 writes a field of type int32.
func (e *Encoder) PutInt32(number int, v int32) { e.putVarint(number, uint64(int64(v))) }

// PutInt64 writes a field of type int64.
func (e *Encoder) PutInt64(number int, v int64) { e.putVarint(number, uint64(v)) }

// PutUint32 writes a field of type uint32.
func (e *Encoder) PutUint32(number int, v uint32) { e.putVarint(number, uint64(v)) }

// PutUint64 writes a field of type uint64.
func (e *Encoder) PutUint64(number int, v uint64) { e.putVarint(number, v) }

// PutFloat32 writes a field of type float.
func (e *Encoder) PutFloat32(number int, v float32) {
	e.buf = binary.LittleEndian.AppendUint32(appendTag(e.buf, number, typeI32), math.Float32bits(v))
}

// PutFloat64 writes a field of type double.
func (e *Encoder) PutFloat64(number int, v float64) {
	e.buf = binary.LittleEndian.AppendUint64(appendTag(e.buf, number, typeI64), math.Float64bits(v))
}

// PutString writes a field of type string. A string that is not UTF-8 is an error.
func (e *Encoder) PutString(number int, v string) {
	if !utf8.ValidString(v) {
		e.fail("field %d: the string is not valid UTF-8: %.40q", number, v)
		return
	}
	e.buf = append(appendVarint(appendTag(e.buf, number, typeLen), uint64(len(v))), v...)
}

// PutBytes writes a field of type bytes.
func (e *Encoder) PutBytes(number int, v []byte) {
	e.buf = append(appendVarint(appendTag(e.buf, number, typeLen), uint64(len(v))), v...)
}

// PutTime writes a field of type google.protobuf.Timestamp.
func (e *Encoder) PutTime(number int, v time.Time) {
	e.putSpan(number, v.Unix(), int64(v.Nanosecond()))
}

// PutDuration writes a field of type google.protobuf.Duration.
func (e *Encoder) PutDuration(number int, v time.Duration) {
	e.putSpan(number, int64(v/time.Second), int64(v%time.Second))
}

// putSpan writes the two fields that Timestamp and Duration share. They take 22 bytes at the most.
func (e *Encoder) putSpan(number int, seconds, nanos int64) {
	start := e.begin(number)
	if seconds != 0 {
		e.PutInt64(1, seconds)
	}
	if nanos != 0 {
		e.PutInt64(2, nanos)
	}
	e.end(start)
}

// PutMessage writes m as a field, even if m has nothing to write.
func (e *Encoder) PutMessage(number int, m Message) {
	start, ok := e.enter(number)
	if !ok {
		return
	}
	m.EncodeWire(e)
	e.leave(start)
}

// PutNonEmpty writes m as a field unless m has nothing to write.
func (e *Encoder) PutNonEmpty(number int, m Message) {
	before := len(e.buf)
	start, ok := e.enter(number)
	if !ok {
		return
	}
	m.EncodeWire(e)
	e.leave(start)
	if e.err == nil && len(e.buf) == start {
		e.buf = e.buf[:before]
	}
}

// enter begins a message that may hold others. It reports false once there is an error, so that a value that contains itself ends
// at MaxDepth, on every branch.
func (e *Encoder) enter(number int) (start int, ok bool) {
	if e.depth >= MaxDepth {
		e.fail("field %d: messages stand more than %d deep in one another; does one contain itself?", number, MaxDepth)
	}
	if e.err != nil {
		return 0, false
	}
	e.depth++
	return e.begin(number), true
}

func (e *Encoder) leave(start int) {
	e.depth--
	e.end(start)
}

// begin writes a tag and keeps one byte free for the length, which is enough for most messages. It returns where the content starts.
func (e *Encoder) begin(number int) (start int) {
	e.buf = append(appendTag(e.buf, number, typeLen), 0)
	return len(e.buf)
}

// end writes the length of what was written since start, and moves that where the length takes more than one byte.
func (e *Encoder) end(start int) {
	n := len(e.buf) - start
	if n < 0x80 {
		e.buf[start-1] = byte(n)
		return
	}
	more := sizeVarint(uint64(n)) - 1
	e.buf = append(e.buf, "\x00\x00\x00\x00\x00\x00\x00\x00\x00"[:more]...)
	copy(e.buf[start+more:], e.buf[start:start+n])
	appendVarint(e.buf[:start-1], uint64(n))
}

func (e *Encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *Encoder) putVarint(number int, v uint64) {
	if number < 16 && v < 0x80 {
		e.buf = append(e.buf, byte(number<<3), byte(v))
		return
	}
	e.buf = appendVarint(appendTag(e.buf, number, typeVarint), v)
}

func appendTag(b []byte, number, wireType int) []byte {
	if number < 16 {
		return append(b, byte(number<<3|wireType))
	}
	return appendVarint(b, uint64(number)<<3|uint64(wireType))
}

func appendVarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}
