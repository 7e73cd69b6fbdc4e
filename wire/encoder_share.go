package wire

import "slices"

// A shared is content that is not copied: it stands at a place between the bytes of the buffer.
type shared struct {
	at      int
	content []byte
}

// ResetSharing makes e append to buf as [Encoder.Reset] does, but content of strings and bytes fields from min bytes
// on, which is at least 128, is not copied: Segments has it between the bytes of the buffer. The message must not
// change until the segments have been used.
func (e *Encoder) ResetSharing(buf []byte, min int) {
	e.Reset(buf)
	e.share = min
}

// Size returns how many bytes Segments has in all.
func (e *Encoder) Size() int {
	n := e.n
	for _, s := range e.shares {
		n += len(s.content)
	}
	return n
}

// Shares reports whether any content is not in the buffer, so that Segments and not Bytes has the message.
func (e *Encoder) Shares() bool { return len(e.shares) > 0 }

// Segments returns the buffer with what was appended, cut where shared content stands, which is between the pieces. All
// alias the buffer or the message.
func (e *Encoder) Segments() [][]byte {
	segments := make([][]byte, 0, 2*len(e.shares)+1)
	from := 0
	for _, s := range e.shares {
		segments = append(segments, e.buf[from:s.at], s.content)
		from = s.at
	}
	if from < e.n {
		segments = append(segments, e.buf[from:e.n])
	}
	return segments
}

// sharesSince returns what is shared behind position start.
func (e *Encoder) sharesSince(start int) []shared {
	i, _ := slices.BinarySearchFunc(e.shares, start, func(s shared, at int) int { return s.at - at })
	return e.shares[i:]
}
