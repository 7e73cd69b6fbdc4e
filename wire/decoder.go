package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
	"unsafe"
)

// A Decoder reads fields from a buffer. The first error sticks and ends the decoding.
//
// Next goes from field to field, checking and reading each whole; Field says which one it is; the methods named for
// types return its value. A field that nobody asks for is thereby skipped.
//
//	for d.Next() {
//		switch d.Field() {
//		case 1:
//			m.Name = d.String()
//		}
//	}
type Decoder struct {
	buf   []byte
	pos   int    // after the current field
	end   int    // of the message being read
	tag   uint64 // of the current field
	value uint64 // of the current field: the number, or where in buf the content starts, which ends at pos
	depth int
	room  int // bytes that elements of lists and maps may still take: see spend
	err   error

	whole []byte // where strings and bytes lie: buf from base on, or a copy of that; nil for in pieces, or nowhere yet
	base  int
	piece []byte // has room for small ones of a large payload
	owned bool
}

// Reset makes d read data, which stays the caller's: strings and bytes are copied. Where data is at most 64 KiB, the
// first of them copies what is left of it once and all of them lie in that copy; else they are copied into pieces,
// so that nothing keeps more than 64 KiB beside itself alive.
func (d *Decoder) Reset(data []byte) {
	d.buf, d.pos, d.end, d.depth, d.err = data, 0, len(data), 0, nil
	d.room = allowance(len(data))
	d.whole, d.base, d.piece, d.owned = nil, 0, nil, false
}

// ResetOwned makes d read data, which the caller gives away: strings and bytes lie in it, except that where data is
// more than 64 KiB, those under an eighth of it are copied, so that a small one does not keep it all alive.
func (d *Decoder) ResetOwned(data []byte) {
	d.Reset(data)
	d.owned = true
	if len(data) <= wholeMax {
		d.whole = data
	}
}

// Err returns the first error.
func (d *Decoder) Err() error { return d.err }

// Field returns the number of the current field.
func (d *Decoder) Field() int { return int(d.tag >> 3) }

// Next reads the next field of the message. It reports false at the end of the message and at an error.
func (d *Decoder) Next() bool {
	b := d.buf[:d.end]
	pos := d.pos
	for pos < len(b) {
		tag := uint64(b[pos])
		pos++
		if tag >= 0x80 {
			if tag, pos = readVarint(b, pos-1); pos < 0 {
				return d.failTag(pos)
			}
		}
		if tag-8 > maxTag-8 {
			return d.failNumber(tag)
		}
		d.tag = tag
		switch tag & 7 {
		case typeVarint:
			if pos < len(b) && b[pos] < 0x80 {
				d.value, d.pos = uint64(b[pos]), pos+1
				return true
			}
			d.value, pos = readVarint(b, pos)
		case typeLen:
			var n uint64
			if pos < len(b) && b[pos] < 0x80 {
				n = uint64(b[pos])
				pos++
			} else if n, pos = readVarint(b, pos); pos < 0 {
				return d.failValue(pos)
			}
			if n > uint64(len(b)-pos) {
				return d.failLength(n, len(b)-pos)
			}
			d.value = uint64(pos)
			pos += int(n)
		case typeI64:
			if len(b)-pos < 8 {
				return d.failValue(truncated)
			}
			d.value = binary.LittleEndian.Uint64(b[pos:])
			pos += 8
		case typeI32:
			if len(b)-pos < 4 {
				return d.failValue(truncated)
			}
			d.value = uint64(binary.LittleEndian.Uint32(b[pos:]))
			pos += 4
		default:
			if pos = d.skipGroup(b, pos); pos < 0 {
				return false
			}
			continue
		}
		if pos < 0 {
			return d.failValue(pos)
		}
		d.pos = pos
		return true
	}
	d.pos = pos
	return false
}

// maxTag is the largest tag: number 1<<29 - 1.
const maxTag = 1<<32 - 1

// Bool returns the field's value as a bool.
func (d *Decoder) Bool() bool { return d.varint() != 0 }

// Int32 returns the field's value as an int32.
func (d *Decoder) Int32() int32 { return int32(d.varint()) }

// Int64 returns the field's value as an int64.
func (d *Decoder) Int64() int64 { return int64(d.varint()) }

// Uint32 returns the field's value as a uint32.
func (d *Decoder) Uint32() uint32 { return uint32(d.varint()) }

// Uint64 returns the field's value as a uint64.
func (d *Decoder) Uint64() uint64 { return d.varint() }

func (d *Decoder) varint() uint64 {
	if d.tag&7 != typeVarint {
		d.failType(typeVarint)
		return 0
	}
	return d.value
}

// Float32 returns the field's value as a float32.
func (d *Decoder) Float32() float32 {
	if d.tag&7 != typeI32 {
		d.failType(typeI32)
		return 0
	}
	return math.Float32frombits(uint32(d.value))
}

// Float64 returns the field's value as a float64.
func (d *Decoder) Float64() float64 {
	if d.tag&7 != typeI64 {
		d.failType(typeI64)
		return 0
	}
	return math.Float64frombits(d.value)
}

// String returns the field's value as a string, which must be UTF-8.
func (d *Decoder) String() string {
	b := d.content()
	if len(b) == 0 {
		return ""
	}
	if !isASCII(unsafe.Pointer(&b[0]), len(b)) && !utf8.Valid(b) {
		d.failf("field %d: the string is not valid UTF-8: %.40q", d.Field(), b)
		return ""
	}
	if d.whole == nil {
		b = d.keep(b)
		return unsafe.String(&b[0], len(b))
	}
	return unsafe.String(&d.whole[int(d.value)-d.base], len(b))
}

// Bytes returns the field's value as bytes, never nil. Appending to them copies them.
func (d *Decoder) Bytes() []byte {
	b := d.content()
	if len(b) == 0 {
		return []byte{}
	}
	return d.keep(b)
}

// content returns what lies in a field of the wire type LEN, empty for a field of another type.
func (d *Decoder) content() []byte {
	if d.tag&7 != typeLen {
		d.failType(typeLen)
		return nil
	}
	return d.buf[d.value:d.pos]
}

// Message reads the field's value into m: fields that are absent keep their values.
func (d *Decoder) Message(m Message) {
	outer, ok := d.enter()
	if !ok {
		return
	}
	m.DecodeWire(d)
	d.leave(outer)
}

// outer is where the reading goes on behind a message.
type outer struct{ pos, end int }

func (d *Decoder) enter() (outer, bool) {
	if d.tag&7 != typeLen {
		d.failType(typeLen)
		return outer{}, false
	}
	if d.depth >= MaxDepth {
		d.failDepth()
		return outer{}, false
	}
	o := outer{d.pos, d.end}
	d.depth++
	d.pos, d.end = int(d.value), d.pos
	return o, true
}

func (d *Decoder) leave(o outer) {
	d.depth--
	if d.err == nil {
		d.pos, d.end = o.pos, o.end
	}
}

// Time returns the field's value, a google.protobuf.Timestamp, in UTC.
func (d *Decoder) Time() time.Time {
	seconds, nanos := d.span()
	return time.Unix(seconds, nanos).UTC()
}

// Duration returns the field's value, a google.protobuf.Duration. One beyond 292 years is an error.
func (d *Decoder) Duration() time.Duration {
	number := d.Field()
	seconds, nanos := d.span()
	whole := seconds * int64(time.Second)
	v := whole + nanos
	if whole/int64(time.Second) != seconds || nanos > 0 && v < whole || nanos < 0 && v > whole {
		d.failf("field %d: a duration of %d s is beyond the 292 years that can be held", number, seconds)
		return 0
	}
	return time.Duration(v)
}

// span reads the two fields that Timestamp and Duration share.
func (d *Decoder) span() (seconds, nanos int64) {
	outer, ok := d.enter()
	if !ok {
		return 0, 0
	}
	for d.Next() {
		switch d.Field() {
		case 1:
			seconds = d.Int64()
		case 2:
			nanos = int64(d.Int32())
		}
	}
	d.leave(outer)
	return seconds, nanos
}

// Require makes it an error that the argument of the given name is missing, unless it was there.
func (d *Decoder) Require(there bool, name string) {
	if !there && d.err == nil {
		d.fail(fmt.Errorf("missing argument %q", name))
	}
}

// fail keeps the first error and takes the input away, which ends every loop over it.
func (d *Decoder) fail(err error) bool {
	if d.err == nil {
		d.err = err
	}
	d.tag, d.value, d.pos, d.end = 0, 0, 0, 0
	return false
}

func (d *Decoder) failf(format string, args ...any) bool { return d.fail(fmt.Errorf(format, args...)) }

var errTruncated = errors.New("the message ends in the middle of a field")

func (d *Decoder) failTag(reason int) bool {
	if reason == tooLong {
		return d.failf("the tag of a field takes more than 64 bits")
	}
	return d.fail(errTruncated)
}

func (d *Decoder) failValue(reason int) bool {
	switch reason {
	case tooLong:
		return d.failf("field %d: the number takes more than 64 bits", d.Field())
	case noType:
		return d.failf("field %d: there is no wire type %d", d.Field(), d.tag&7)
	}
	return d.failf("field %d: %w", d.Field(), errTruncated)
}

func (d *Decoder) failLength(n uint64, left int) bool {
	return d.failf("field %d: length %d is past the end of the message (%d bytes left)", d.Field(), n, left)
}

func (d *Decoder) failNumber(tag uint64) bool {
	return d.failf("field number %d is not from 1 to 536870911", tag>>3)
}

func (d *Decoder) failDepth() bool {
	return d.failf("field %d: messages stand more than %d deep in one another", d.Field(), MaxDepth)
}

func (d *Decoder) failType(want uint64) {
	if d.err == nil {
		d.failf("field %d: wire type %d, want %d: the other side gives it another type", d.Field(), d.tag&7, want)
	}
}
