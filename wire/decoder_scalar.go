package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// Bool reads a field of type bool.
func (d *Decoder) Bool(number int, p *bool) bool {
	if d.Field() != number {
		return false
	}
	*p = d.varint() != 0
	return true
}

// Int32 reads a field of type int32, or of an enum. A number without a name is kept.
func (d *Decoder) Int32(number int, p *int32) bool {
	if d.Field() != number {
		return false
	}
	*p = int32(d.varint())
	return true
}

// Int64 reads a field of type int64.
func (d *Decoder) Int64(number int, p *int64) bool {
	if d.Field() != number {
		return false
	}
	*p = int64(d.varint())
	return true
}

// Uint32 reads a field of type uint32.
func (d *Decoder) Uint32(number int, p *uint32) bool {
	if d.Field() != number {
		return false
	}
	*p = uint32(d.varint())
	return true
}

// Uint64 reads a field of type uint64.
func (d *Decoder) Uint64(number int, p *uint64) bool {
	if d.Field() != number {
		return false
	}
	*p = d.varint()
	return true
}

// Float32 reads a field of type float.
func (d *Decoder) Float32(number int, p *float32) bool {
	if d.Field() != number {
		return false
	}
	*p = d.float32()
	return true
}

// Float64 reads a field of type double.
func (d *Decoder) Float64(number int, p *float64) bool {
	if d.Field() != number {
		return false
	}
	*p = d.float64()
	return true
}

// String reads a field of type string, which must be UTF-8.
func (d *Decoder) String(number int, p *string) bool {
	if d.Field() != number {
		return false
	}
	*p = d.text()
	return true
}

// Bytes reads a field of type bytes, which are not nil then. Appending to them copies them.
func (d *Decoder) Bytes(number int, p *[]byte) bool {
	if d.Field() != number {
		return false
	}
	*p = d.bytes()
	return true
}

// Time reads a field of type google.protobuf.Timestamp, in UTC.
func (d *Decoder) Time(number int, p *time.Time) bool {
	if d.Field() != number {
		return false
	}
	*p = d.time()
	return true
}

// Duration reads a field of type google.protobuf.Duration. One beyond 292 years is an error.
func (d *Decoder) Duration(number int, p *time.Duration) bool {
	if d.Field() != number {
		return false
	}
	*p = d.duration()
	return true
}

// varint reads the current field as a number. Like float32, float64 and text it goes on to the next field by hand where
// that has a tag of one byte: a call of next for each field is worth a tenth of the time.
func (d *Decoder) varint() uint64 {
	if d.tag&7 != typeVarint {
		d.failType(typeVarint)
		return 0
	}
	b, pos := d.buf, d.pos
	var v uint64
	switch {
	case uint(pos) < uint(len(b)) && b[pos] < 0x80:
		v = uint64(b[pos])
		pos++
	case uint(pos+1) < uint(len(b)) && b[pos+1] < 0x80:
		v = uint64(b[pos]) + uint64(b[pos+1])<<7 - 0x80
		pos += 2
	case len(b)-pos >= 10:
		v, pos = readVarintOf10((*[10]byte)(b[pos:]), pos)
	default:
		v, pos = readVarint(b, pos)
	}
	if pos < 0 {
		d.failValue(pos)
		return 0
	}
	if uint(pos) < uint(len(b)) && b[pos]-8 < 0x78 {
		d.tag, d.pos = uint32(b[pos]), pos+1
	} else {
		d.nextLong(pos)
	}
	return v
}

func (d *Decoder) float32() float32 {
	b, pos := d.buf, d.pos
	if d.tag&7 != typeI32 || len(b)-pos < 4 {
		d.failFixed(typeI32)
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(b[pos:]))
	pos += 4
	if uint(pos) < uint(len(b)) && b[pos]-8 < 0x78 {
		d.tag, d.pos = uint32(b[pos]), pos+1
	} else {
		d.nextLong(pos)
	}
	return v
}

func (d *Decoder) float64() float64 {
	b, pos := d.buf, d.pos
	if d.tag&7 != typeI64 || len(b)-pos < 8 {
		d.failFixed(typeI64)
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(b[pos:]))
	pos += 8
	if uint(pos) < uint(len(b)) && b[pos]-8 < 0x78 {
		d.tag, d.pos = uint32(b[pos]), pos+1
	} else {
		d.nextLong(pos)
	}
	return v
}

func (d *Decoder) time() time.Time {
	number := d.Field()
	seconds, nanos := d.span()
	if !inYears(seconds) {
		// without the value: it may be sensitive
		d.failf("field %d: a timestamp is outside the years 1 to 9999", number)
		return time.Time{}
	}
	return time.Unix(seconds, nanos).UTC()
}

func (d *Decoder) duration() time.Duration {
	number := d.Field()
	seconds, nanos := d.span()
	whole := seconds * int64(time.Second)
	v := whole + nanos
	if whole/int64(time.Second) != seconds || nanos > 0 && v < whole || nanos < 0 && v > whole {
		d.failf("field %d: a duration is beyond the 292 years that can be held", number)
		return 0
	}
	return time.Duration(v)
}

// span reads the two fields that Timestamp and Duration share.
func (d *Decoder) span() (seconds, nanos int64) {
	var small int32
	outer := d.begin()
	for d.Next() {
		d.Int64(1, &seconds)
		d.Int32(2, &small)
	}
	d.end(outer)
	return seconds, int64(small)
}
