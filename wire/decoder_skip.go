package wire

// What readVarint and skipValue return in place of a position.
const (
	truncated = -1
	tooLong   = -2
	noType    = -3
)

// readVarint returns the number at pos and the position behind it, or truncated or tooLong.
func readVarint(b []byte, pos int) (v uint64, next int) {
	for shift := uint(0); shift < 70; shift += 7 {
		if pos >= len(b) {
			return 0, truncated
		}
		c := b[pos]
		pos++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if shift == 63 && c > 1 {
				return 0, tooLong
			}
			return v, pos
		}
	}
	return 0, tooLong
}

// skipGroup returns the position behind the group that starts with the current tag, or a negative number after an error. Groups are an
// old form of nested messages that no definition has.
func (d *Decoder) skipGroup(b []byte, pos int) int {
	var open []uint64 // tags that start the groups around pos
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
			if pos = skipValue(b, pos, d.tag&7); pos < 0 {
				d.failValue(pos)
				return pos
			}
		}
		if len(open) == 0 {
			return pos
		}
		if d.depth+len(open) > MaxDepth {
			d.failDepth()
			return truncated
		}
		if d.tag, pos = readVarint(b, pos); pos < 0 {
			d.failTag(pos)
			return pos
		}
		if d.tag-8 > maxTag-8 {
			d.failNumber(d.tag)
			return truncated
		}
	}
}

// skipValue returns the position behind a value of the given wire type, or what is wrong with it.
func skipValue(b []byte, pos int, wireType uint64) int {
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
