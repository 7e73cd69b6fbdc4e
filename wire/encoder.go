package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
	"unsafe"
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

// An Encoder appends fields to a buffer. The first error sticks and ends the encoding. Each Put method writes one
// field, whatever its value; leaving off what equals its default is for the caller to do.
//
// The methods first try the usual case by hand, a number below 16 and a buffer with room, since that is worth a
// factor of two.
type Encoder struct {
	buf   []byte // with all its capacity
	n     int    // bytes of buf in use
	depth int    // beyond MaxDepth once there is an error
	err   error

	share  int      // content of at least so many bytes is shared; 0 for none
	shares []shared // what is, in order
	short  int      // messages under so many bytes of buf have a length of one byte; 0 once content is shared
}

// Reset makes e append to buf, with no error.
func (e *Encoder) Reset(buf []byte) {
	e.buf, e.n, e.depth, e.err = buf[:cap(buf)], len(buf), 0, nil
	e.short = 0x80
	if e.share > 0 {
		e.share, e.shares = 0, nil
	}
}

// Bytes returns the buffer as it was given to Reset with all that was appended, or the first error.
func (e *Encoder) Bytes() ([]byte, error) { return e.buf[:e.n], e.err }

// PutBool writes a field of type bool.
func (e *Encoder) PutBool(number int, v bool) { e.PutUint64(number, bit(v)) }

// PutInt32 writes a field of type int32.
func (e *Encoder) PutInt32(number int, v int32) { e.PutUint64(number, uint64(v)) }

// PutInt64 writes a field of type int64.
func (e *Encoder) PutInt64(number int, v int64) { e.PutUint64(number, uint64(v)) }

// PutUint32 writes a field of type uint32.
func (e *Encoder) PutUint32(number int, v uint32) { e.PutUint64(number, uint64(v)) }

// PutUint64 writes a field of type uint64.
func (e *Encoder) PutUint64(number int, v uint64) {
	n := e.n
	if number >= 16 || len(e.buf)-n < 11 {
		e.tag(number, typeVarint)
		e.varint(v)
		return
	}
	b := (*[11]byte)(e.at(n))
	b[0] = byte(number << 3)
	if v < 0x80 {
		b[1] = byte(v)
		e.n = n + 2
		return
	}
	i := 1
	for ; v >= 0x80; i++ {
		b[i] = byte(v) | 0x80
		v >>= 7
	}
	b[i] = byte(v)
	e.n = n + i + 1
}

// PutFloat32 writes a field of type float.
func (e *Encoder) PutFloat32(number int, v float32) {
	n := e.n
	if number >= 16 || len(e.buf)-n < 5 {
		e.tag(number, typeI32)
		e.append(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		return
	}
	b := (*[5]byte)(e.at(n))
	b[0] = byte(number<<3 | typeI32)
	binary.LittleEndian.PutUint32(b[1:], math.Float32bits(v))
	e.n = n + 5
}

// PutFloat64 writes a field of type double.
func (e *Encoder) PutFloat64(number int, v float64) {
	n := e.n
	if number >= 16 || len(e.buf)-n < 9 {
		e.tag(number, typeI64)
		e.append(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		return
	}
	b := (*[9]byte)(e.at(n))
	b[0] = byte(number<<3 | typeI64)
	binary.LittleEndian.PutUint64(b[1:], math.Float64bits(v))
	e.n = n + 9
}

// PutString writes a field of type string. A string that is not UTF-8 is an error.
func (e *Encoder) PutString(number int, v string) {
	n := e.n
	if number >= 16 || len(v) >= 0x80 || len(e.buf)-n < 2+len(v) {
		e.putLongString(number, v)
		return
	}
	b := (*[2]byte)(e.at(n))
	b[0] = byte(number<<3 | typeLen)
	b[1] = byte(len(v))
	e.n = n + 2 + len(v)
	if len(v) > 0 && !copyASCII(unsafe.Add(unsafe.Pointer(b), 2), v) {
		e.checkUTF8(number, v)
	}
}

func (e *Encoder) putLongString(number int, v string) {
	e.checkUTF8(number, v)
	e.putLong(number, unsafe.Slice(unsafe.StringData(v), len(v)))
}

// putLong writes content that is long, or for which there is little room.
func (e *Encoder) putLong(number int, v []byte) {
	e.tag(number, typeLen)
	e.varint(uint64(len(v)))
	if e.share > 0 && len(v) >= e.share {
		e.shares = append(e.shares, shared{e.n, v})
		e.short = 0
		return
	}
	e.append(v)
}

// PutBytes writes a field of type bytes.
func (e *Encoder) PutBytes(number int, v []byte) {
	n := e.n
	if number >= 16 || len(v) >= 0x80 || len(e.buf)-n < 2+len(v) {
		e.putLong(number, v)
		return
	}
	b := (*[2]byte)(e.at(n))
	b[0] = byte(number<<3 | typeLen)
	b[1] = byte(len(v))
	e.n = n + 2 + copy(e.buf[n+2:], v)
}

// PutTime writes a field of type google.protobuf.Timestamp. A time outside the years 1 to 9999 is an error.
func (e *Encoder) PutTime(number int, v time.Time) {
	seconds := v.Unix()
	if !inYears(seconds) {
		e.fail("field %d: the time is outside the years 1 to 9999", number)
		return
	}
	e.putSpan(number, seconds, int64(v.Nanosecond()))
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
	if !e.enter(number) {
		return
	}
	start := e.begin(number)
	m.EncodeWire(e)
	e.depth--
	e.end(start)
}

// PutNonEmpty writes m as a field unless m has nothing to write.
func (e *Encoder) PutNonEmpty(number int, m Message) {
	if !e.enter(number) {
		return
	}
	before := e.n
	start := e.begin(number)
	m.EncodeWire(e)
	e.depth--
	if e.n == start { // what is shared has a tag and a length before it
		e.n = before
		return
	}
	e.end(start)
}

// enter goes one message deeper. It reports false once there is an error, so that a value that contains itself ends
// at MaxDepth, on every branch.
func (e *Encoder) enter(number int) bool {
	if e.depth >= MaxDepth {
		e.fail("field %d: messages stand more than %d deep in one another; does one contain itself?", number, MaxDepth)
		return false
	}
	e.depth++
	return true
}

// begin writes a tag and keeps one byte free for the length, which is enough for most messages. It returns where the
// content starts.
func (e *Encoder) begin(number int) (start int) {
	n := e.n
	if number >= 16 || len(e.buf)-n < 2 {
		e.tag(number, typeLen)
		e.varint(0)
		return e.n
	}
	*(*byte)(e.at(n)) = byte(number<<3 | typeLen)
	e.n = n + 2
	return e.n
}

// end writes the length of what was written since start.
func (e *Encoder) end(start int) {
	if n := e.n - start; n < e.short {
		e.buf[start-1] = byte(n)
	} else {
		e.endLong(start, n)
	}
}

// endLong makes room for a length of more than one byte by moving the n bytes of content, and counts what they share.
func (e *Encoder) endLong(start, n int) {
	inside := e.sharesSince(start)
	for _, s := range inside {
		n += len(s.content)
	}
	more := sizeVarint(uint64(n)) - 1
	e.grow(more)
	copy(e.buf[start+more:], e.buf[start:e.n])
	binary.PutUvarint(e.buf[start-1:], uint64(n))
	e.n += more
	for i := range inside {
		inside[i].at += more
	}
}

// at returns where byte n of the buffer lies. The caller has made sure that there is room for what it will write.
func (e *Encoder) at(n int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(e.buf)), n)
}

func (e *Encoder) tag(number, wireType int) { e.varint(uint64(number)<<3 | uint64(wireType)) }

func (e *Encoder) varint(v uint64) {
	e.grow(sizeVarint(v))
	e.n += binary.PutUvarint(e.buf[e.n:], v)
}

func (e *Encoder) append(b []byte) {
	if len(e.buf)-e.n < len(b) { // unlike grow, append clears nothing that it then overwrites
		b := append(e.buf[:e.n], b...)
		e.buf, e.n = b[:cap(b)], len(b)
		return
	}
	e.n += copy(e.buf[e.n:], b)
}

// spare is the room that growing leaves beyond what is needed, so that fields of numbers find enough for the longest
// ones.
const spare = 64

// grow makes room for n bytes.
func (e *Encoder) grow(n int) {
	if len(e.buf)-e.n < n {
		b := slices.Grow(e.buf[:e.n], n+spare)
		e.buf = b[:cap(b)]
	}
}

//go:noinline
func (e *Encoder) checkUTF8(number int, v string) {
	if !utf8.ValidString(v) {
		e.fail("field %d: %s", number, notUTF8)
	}
}

func (e *Encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
		e.depth += 1 << 20
	}
}

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}
