package compress

import (
	"io"
	"slices"
)

// ReadAll appends what r has to dst, for a Decompress that is made of a reader: of limit bytes at most, with errors
// that name the codec. It takes memory in step with what has come, beginning with guess bytes.
func ReadAll(name string, dst []byte, r io.Reader, guess, limit int) ([]byte, error) {
	start := len(dst)
	dst = slices.Grow(dst, min(limit, guess))
	for {
		have := len(dst) - start
		if have == limit {
			return expectEnd(name, dst, start, r)
		}
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, min(limit-have, have+512))
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), start+limit)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst[:start], Corrupt(name, err)
		}
	}
}

// expectEnd returns dst, which has what is allowed behind start, if no more comes.
func expectEnd(name string, dst []byte, start int, r io.Reader) ([]byte, error) {
	var more [1]byte
	switch _, err := io.ReadFull(r, more[:]); err {
	case io.EOF:
		return dst, nil
	case nil:
		return dst[:start], TooLarge(name, len(dst)-start)
	default:
		return dst[:start], Corrupt(name, err)
	}
}
