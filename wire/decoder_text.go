package wire

// Strings and bytes of a payload up to wholeMax lie together in one copy of it; those of a larger one in pieces of pieceSize,
// or alone.
const (
	wholeMax  = 64 << 10
	pieceSize = 16 << 10
	aloneMin  = pieceSize / 8
)

// A text holds the strings and bytes that were read.
type text struct {
	whole []byte // the payload from base on: a copy, or the payload itself where it is owned
	base  int
	piece []byte
	owned bool
}

// own makes data itself the place where strings and bytes lie.
func (t *text) own(data []byte) {
	t.owned = true
	if len(data) <= wholeMax {
		t.whole = data
	}
}

// keep returns the n bytes at start of buf in a place where they may stay.
func (t *text) keep(buf []byte, start, n int) []byte {
	if n == 0 {
		return []byte{}
	}
	if t.whole == nil && len(buf) <= wholeMax {
		t.whole, t.base = append([]byte(nil), buf[start:]...), start
	}
	if t.whole != nil {
		start -= t.base
		return t.whole[start : start+n : start+n]
	}
	return t.keepPart(buf[start:start+n:start+n], len(buf))
}

// keepPart is keep for part of a large payload of the given size.
func (t *text) keepPart(part []byte, size int) []byte {
	switch {
	case t.owned && len(part) >= size/8:
		return part
	case len(part) >= aloneMin:
		return append([]byte(nil), part...)
	case len(part) > cap(t.piece)-len(t.piece):
		t.piece = make([]byte, 0, pieceSize)
	}
	n := len(t.piece)
	t.piece = append(t.piece, part...)
	return t.piece[n:len(t.piece):len(t.piece)]
}
