package web

import "time"

// frames follows the frames of HTTP/2 (RFC 9113, section 4.1) that a peer sends, to know when one of them, or a header
// that takes several, has begun: net/http gives them no time.
type frames struct {
	preface int     // bytes of the preface that have come
	header  [9]byte // of the frame that is coming
	got     int     // bytes of that header
	left    int     // bytes of the payload that are missing
	open    bool    // a header goes on in the next frame

	began time.Time // when what is coming did; zero if nothing is
	n     int       // bytes of it
}

const (
	prefaceLength  = 24
	frameHeaders   = 0x1
	frameContinued = 0x9
	endHeaders     = 0x4
)

// received follows b, which came now.
func (f *frames) received(b []byte, now time.Time) {
	skipped := min(len(b), prefaceLength-f.preface)
	f.preface += skipped
	for b = b[skipped:]; len(b) > 0; {
		if f.began.IsZero() {
			f.began, f.n = now, 0
		}
		n := f.advance(b)
		b, f.n = b[n:], f.n+n
		if f.got == len(f.header) && f.left == 0 {
			f.got = 0
			if !f.open {
				f.began = time.Time{}
			}
		}
	}
}

// advance follows the rest of a frame's header or payload, and returns how many bytes of b belong to that.
func (f *frames) advance(b []byte) int {
	if f.got == len(f.header) {
		n := min(len(b), f.left)
		f.left -= n
		return n
	}
	n := copy(f.header[f.got:], b)
	if f.got += n; f.got == len(f.header) {
		h := &f.header
		f.left = int(h[0])<<16 | int(h[1])<<8 | int(h[2])
		if h[3] == frameHeaders || h[3] == frameContinued {
			f.open = h[4]&endHeaders == 0
		}
	}
	return n
}
