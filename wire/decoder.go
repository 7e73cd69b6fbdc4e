package wire

import (
	"errors"
	"fmt"
)

// A Decoder reads fields from a buffer. The first error sticks and ends the decoding.
//
// Next says whether there is a field to read. The methods named for types look at that field: if it has the number
// that they are given, they read it and go on to the one behind it, else they do nothing; they report which. So one
// pass over a message's fields in ascending order reads what was written in that order, and another pass takes what was
// not. A field that a whole pass leaves is skipped, since nobody knows its number. One of another type is an error.
//
//	for d.Next() {
//		d.String(1, &m.Name)
//		d.Int32(2, &m.Count)
//	}
type Decoder struct {
	buf   []byte // ends with the message being read; its capacity ends with the payload
	pos   int    // behind the tag of the current field
	tag   uint32 // of the current field; 0 at the end of the message and after an error
	last  int    // where pos was at the start of the current pass
	depth int
	room  int // bytes that elements of lists and maps may still take: see spend
	err   error

	whole []byte // where strings and bytes lie: the payload from base on, or a copy of that; nil for elsewhere
	base  int
	piece []byte // has room for small ones
	owned bool
}

// Reset makes d read data, which stays the caller's: strings and bytes are copied, many small ones into one place. None
// keeps more than 64 KiB beside itself alive.
func (d *Decoder) Reset(data []byte) {
	d.buf, d.last, d.depth, d.err = data[:len(data):len(data)], 0, 0, nil
	d.room = Allowance(len(data))
	d.whole, d.base, d.owned = nil, 0, false
	if cap(d.piece) > smallPiece {
		d.piece = nil
	}
	d.next(0)
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

// Next reports whether there is a field to read. If none was read since the last call, it skips one before. It reports
// false at the end of the message and at an error.
func (d *Decoder) Next() bool {
	if d.pos == d.last {
		return d.skip()
	}
	d.last = d.pos
	return d.tag != 0
}

// Field returns the number of the current field.
func (d *Decoder) Field() int { return int(d.tag >> 3) }

// next makes the field at pos the current one.
func (d *Decoder) next(pos int) {
	if b := d.buf; pos < len(b) && b[pos]-8 < 0x78 { // one byte, and not the number 0
		d.tag, d.pos = uint32(b[pos]), pos+1
		return
	}
	d.nextLong(pos)
}

// nextLong is next for the end of the message and for tags of more than one byte.
func (d *Decoder) nextLong(pos int) {
	if pos >= len(d.buf) {
		d.tag, d.pos = 0, pos
		return
	}
	tag, pos := readVarint(d.buf, pos)
	switch {
	case pos == tooLong:
		d.failf("the tag of a field takes more than 64 bits")
	case pos < 0:
		d.fail(errTruncated)
	case tag-8 > maxTag-8:
		d.failf("field number %d is not from 1 to 536870911", tag>>3)
	default:
		d.tag, d.pos = uint32(tag), pos
	}
}

// maxTag is the largest tag: number 1<<29 - 1.
const maxTag = 1<<32 - 1

// Message reads a field into m: fields of m that are absent keep their values.
func (d *Decoder) Message(number int, m Message) bool {
	if d.Field() != number {
		return false
	}
	d.message(m)
	return true
}

// Require makes it an error that the argument of the given name is missing, unless it was there.
func (d *Decoder) Require(there bool, name string) {
	if !there && d.err == nil {
		d.failf("missing argument %q", name)
	}
}

// content returns where the content of the current field lies. After an error it lies nowhere.
func (d *Decoder) content() (start, end int) {
	b, pos := d.buf, d.pos
	if d.tag&7 == typeLen && uint(pos) < uint(len(b)) && b[pos] < 0x80 && int(b[pos]) < len(b)-pos {
		return pos + 1, pos + 1 + int(b[pos])
	}
	return d.contentLong()
}

// contentLong is content for more than 127 bytes, and for errors.
func (d *Decoder) contentLong() (start, end int) {
	if d.tag&7 != typeLen {
		d.failType(typeLen)
		return 0, 0
	}
	n, pos := readVarint(d.buf, d.pos)
	if pos < 0 {
		d.failValue(pos)
		return 0, 0
	}
	if left := len(d.buf) - pos; n > uint64(left) {
		d.failf("field %d: length %d is past the end of the message (%d bytes left)", d.Field(), n, left)
		return 0, 0
	}
	return pos, pos + int(n)
}

// message reads the current field into m.
func (d *Decoder) message(m Message) {
	if d.depth >= MaxDepth {
		d.failDepth()
		return
	}
	d.depth++
	outer := d.begin()
	m.DecodeWire(d)
	d.end(outer)
	d.depth--
}

// begin goes into what the current field holds, and returns where the message around it ends. Only messages of a
// definition count as deeper, as they do for the Encoder: an entry of a map does not, nor does a timestamp.
func (d *Decoder) begin() (outer int) {
	start, end := d.content()
	outer = len(d.buf)
	d.buf = d.buf[:end]
	d.next(start)
	return outer
}

// end goes on behind what begin went into, all of which is read.
func (d *Decoder) end(outer int) {
	if d.err == nil {
		pos := len(d.buf)
		d.buf = d.buf[:outer]
		d.next(pos)
	}
}

// fail keeps the first error and takes the input away, which ends every loop over it.
func (d *Decoder) fail(err error) bool {
	if d.err == nil {
		d.err = err
	}
	d.buf, d.tag, d.pos = d.buf[:0], 0, 0
	return false
}

func (d *Decoder) failf(format string, args ...any) bool { return d.fail(fmt.Errorf(format, args...)) }

var errTruncated = errors.New("the message ends in the middle of a field")

func (d *Decoder) failValue(reason int) bool {
	switch reason {
	case tooLong:
		return d.failf("field %d: the number takes more than 64 bits", d.Field())
	case noType:
		return d.failf("field %d: there is no wire type %d", d.Field(), d.tag&7)
	}
	return d.failf("field %d: %w", d.Field(), errTruncated)
}

func (d *Decoder) failType(want uint32) bool {
	return d.failf("field %d: wire type %d, want %d: the other side gives it another type", d.Field(), d.tag&7, want)
}

// failFixed is for a field that is of another type, or whose number is cut off.
func (d *Decoder) failFixed(want uint32) bool {
	if d.tag&7 != want {
		return d.failType(want)
	}
	return d.failValue(truncated)
}

func (d *Decoder) failDepth() bool {
	return d.failf("field %d: messages stand more than %d deep in one another", d.Field(), MaxDepth)
}
