package wire

import (
	"unicode/utf8"
	"unsafe"
)

// Strings and bytes of a payload up to wholeMax lie together in one copy of it; those of a larger one in pieces, or
// alone. Copies of small payloads lie in pieces too, which later payloads go on with.
const (
	wholeMax   = 64 << 10
	pieceSize  = 16 << 10
	smallPiece = 1 << 10
)

// text reads the current field as a string.
func (d *Decoder) text() string {
	start, end := d.content()
	if start == end {
		d.next(end)
		return ""
	}
	b, n := d.buf, end-start
	if !isASCII(unsafe.Pointer(&b[start]), n) && !utf8.Valid(b[start:end]) {
		d.failf("field %d: the string is not valid UTF-8", d.Field())
		return ""
	}
	if uint(end) < uint(len(b)) && b[end]-8 < 0x78 {
		d.tag, d.pos = uint32(b[end]), end+1
	} else {
		d.nextLong(end)
	}
	if d.whole == nil {
		b = d.keep(start, end)
		return unsafe.String(&b[0], n)
	}
	return unsafe.String(&d.whole[start-d.base], n)
}

// bytes reads the current field as bytes.
func (d *Decoder) bytes() []byte {
	start, end := d.content()
	d.next(end)
	if start == end {
		return []byte{}
	}
	return d.keep(start, end)
}

// keep returns the payload from start to end, which is not empty, in a place where it may stay.
func (d *Decoder) keep(start, end int) []byte {
	if d.whole == nil && cap(d.buf) <= wholeMax {
		d.base = start
		d.whole = d.copy(d.buf[start:cap(d.buf)], smallPiece)
	}
	if d.whole != nil {
		return d.whole[start-d.base : end-d.base : end-d.base]
	}
	part := d.buf[start:end:end]
	if d.owned && len(part) >= cap(d.buf)/8 {
		return part
	}
	return d.copy(part, pieceSize)
}

// copy returns a copy of part. Those under a quarter of a piece lie in pieces.
func (d *Decoder) copy(part []byte, pieceSize int) []byte {
	if len(part) >= pieceSize/4 {
		return append([]byte(nil), part...)
	}
	if len(part) > cap(d.piece)-len(d.piece) {
		d.piece = make([]byte, 0, pieceSize)
	}
	start := len(d.piece)
	d.piece = append(d.piece, part...)
	return d.piece[start:len(d.piece):len(d.piece)]
}
