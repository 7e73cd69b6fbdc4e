package wire

// Strings and bytes of a payload up to wholeMax lie together in one copy of it; those of a larger one in pieces of
// pieceSize, or alone.
const (
	wholeMax  = 64 << 10
	pieceSize = 16 << 10
	aloneMin  = pieceSize / 8
)

// keep returns part, which is the content of the current field and not empty, in a place where it may stay.
func (d *Decoder) keep(part []byte) []byte {
	if d.whole == nil && len(d.buf) <= wholeMax {
		d.base = int(d.value)
		d.whole = append([]byte(nil), d.buf[d.base:]...)
	}
	if d.whole != nil {
		start := int(d.value) - d.base
		end := start + len(part)
		return d.whole[start:end:end]
	}
	return d.keepPart(part)
}

// keepPart is keep for a payload above wholeMax.
func (d *Decoder) keepPart(part []byte) []byte {
	n := len(part)
	switch {
	case d.owned && n >= len(d.buf)/8:
		return part[:n:n]
	case n >= aloneMin:
		return append([]byte(nil), part...)
	case n > cap(d.piece)-len(d.piece):
		d.piece = make([]byte, 0, pieceSize)
	}
	start := len(d.piece)
	d.piece = append(d.piece, part...)
	return d.piece[start : start+n : start+n]
}
