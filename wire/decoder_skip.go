package wire

// What readVarint and skipValue return in place of a position.
const (
	truncated = -1
	tooLong   = -2
	noType    = -3
)

// readVarint returns the number at pos and the position behind it, or truncated or tooLong.
func readVarint(b []byte, pos int) (v uint64, next int) {
	if len(b)-pos >= 10 {
		return readVarintOf10((*[10]byte)(b[pos:]), pos)
	}
	for shift := 0; pos < len(b); shift += 7 {
		c := b[pos]
		pos++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, pos
		}
	}
	return 0, truncated
}

// readVarintOf10 is readVarint where there are the ten bytes that a number takes at the most. Without a loop it
// takes two thirds of the time. The top bit of a byte says that another follows, and is taken off the sum then.
func readVarintOf10(b *[10]byte, pos int) (v uint64, next int) {
	v = uint64(b[0])
	if v < 0x80 {
		return v, pos + 1
	}
	v -= 0x80 << 0
	c := uint64(b[1])
	v += c << 7
	if c < 0x80 {
		return v, pos + 2
	}
	v -= 0x80 << 7
	c = uint64(b[2])
	v += c << 14
	if c < 0x80 {
		return v, pos + 3
	}
	v -= 0x80 << 14
	c = uint64(b[3])
	v += c << 21
	if c < 0x80 {
		return v, pos + 4
	}
	v -= 0x80 << 21
	c = uint64(b[4])
	v += c << 28
	if c < 0x80 {
		return v, pos + 5
	}
	v -= 0x80 << 28
	c = uint64(b[5])
	v += c << 35
	if c < 0x80 {
		return v, pos + 6
	}
	v -= 0x80 << 35
	c = uint64(b[6])
	v += c << 42
	if c < 0x80 {
		return v, pos + 7
	}
	v -= 0x80 << 42
	c = uint64(b[7])
	v += c << 49
	if c < 0x80 {
		return v, pos + 8
	}
	v -= 0x80 << 49
	c = uint64(b[8])
	v += c << 56
	if c < 0x80 {
		return v, pos + 9
	}
	v -= 0x80 << 56
	c = uint64(b[9])
	if c > 1 {
		return 0, tooLong
	}
	return v + c<<63, pos + 10
}

// skip goes over the current field, if there is one, and begins a pass.
func (d *Decoder) skip() bool {
	if d.tag == 0 {
		return false
	}
	if pos := d.skipField(); pos >= 0 {
		d.next(pos)
	}
	d.last = d.pos
	return d.tag != 0
}

// skipField returns the position behind the current field, or a negative number after an error. Groups are an old form
// of nested messages that no definition has.
func (d *Decoder) skipField() int {
	var open []uint32 // tags that start the groups around pos
	for {
		switch d.tag & 7 {
		case typeSGroup:
			open = append(open, d.tag)
		case typeEGroup:
			if len(open) == 0 || open[len(open)-1]+1 != d.tag {
				d.failf("field %d: the end of a group that did not start", d.Field())
				return truncated
			}
			open = open[:len(open)-1]
		default:
			pos := skipValue(d.buf, d.pos, d.tag&7)
			if pos < 0 {
				d.failValue(pos)
				return pos
			}
			d.pos = pos
		}
		if len(open) == 0 {
			return d.pos
		}
		if d.depth+len(open) > MaxDepth {
			d.failDepth()
			return truncated
		}
		if d.next(d.pos); d.tag == 0 {
			d.fail(errTruncated)
			return truncated
		}
	}
}

// skipValue returns the position behind a value of the given wire type, or what is wrong with it.
func skipValue(b []byte, pos int, wireType uint32) int {
	var n uint64
	switch wireType {
	case typeVarint:
		_, pos = readVarint(b, pos)
		return pos
	case typeI64:
		n = 8
	case typeI32:
		n = 4
	case typeLen:
		if n, pos = readVarint(b, pos); pos < 0 {
			return pos
		}
	default:
		return noType
	}
	if n > uint64(len(b)-pos) {
		return truncated
	}
	return pos + int(n)
}
