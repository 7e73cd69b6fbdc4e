package wire

// An Encoder appends fields to a buffer. The first error sticks and ends the encoding.
type Encoder struct {
	buf   []byte
	depth int
	err   error
}

// Reset makes e append to buf, with no error.
func (e *Encoder) Reset(buf []byte) { *e = Encoder{buf: buf} }

// Bytes returns the buffer as it was given to Reset with all that was appended, or the first error.
func (e *Encoder) Bytes() ([]byte, error) { return e.buf, e.err }
