package pipeline

const (
	smallBuffer = 1 << 10  // what a connection holds while it is idle
	largeBuffer = 64 << 10 // the most that is read at once; a longer message makes the buffer grow as its bytes arrive
)

// An input is the bytes that were read from a connection and not used yet.
type input struct {
	buf  []byte
	r, w int // buf[r:w] is unused
	seen int // how much of it the framer knows
}

func newInput(head []byte) input {
	return input{buf: append(make([]byte, 0, max(smallBuffer, len(head))), head...), w: len(head)}
}

// next returns the next whole message, without filler, or false if there is none yet.
func (in *input) next(f Framer) (message []byte, ok bool, err error) {
	for in.r < in.w {
		start, end, framing := f.Frame(in.buf[in.r:in.w], in.seen)
		if framing != nil {
			return nil, false, framing
		}
		if end == 0 {
			in.seen = in.w - in.r
			return nil, false, nil
		}
		message = in.buf[in.r+start : in.r+end]
		in.r, in.seen = in.r+end, 0
		if start < end {
			return message, true, nil
		}
	}
	return nil, false, nil
}

// pending returns how many bytes are unused.
func (in *input) pending() int { return in.w - in.r }

// room returns where the next bytes are to be read to. Messages returned before are no longer valid.
func (in *input) room() []byte {
	in.buf = in.buf[:cap(in.buf)]
	switch {
	case in.r == in.w:
		in.r, in.w = 0, 0
		if len(in.buf) > largeBuffer {
			in.buf = make([]byte, smallBuffer)
		}
	case in.w == len(in.buf) && in.r >= len(in.buf)/2:
		in.w = copy(in.buf, in.buf[in.r:in.w])
		in.r = 0
	}
	if in.w == len(in.buf) {
		in.grow(2 * len(in.buf))
	}
	return in.buf[in.w:]
}

// filled says that n bytes were read to the room. A read that left no room makes the next one larger.
func (in *input) filled(n int) {
	in.w += n
	if in.w == len(in.buf) && len(in.buf) < largeBuffer {
		in.grow(4 * len(in.buf))
	}
}

func (in *input) grow(size int) {
	buf := make([]byte, size)
	in.w = copy(buf, in.buf[in.r:in.w])
	in.r, in.buf = 0, buf
}
