package transport

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
)

// An Input is the reading half of a connection. It holds a buffer only while there are bytes in it: it waits for more
// without one where the connection is a socket. One goroutine at a time uses it.
type Input struct {
	conn   *Conn
	limits *rpc.Limits

	buf  []byte // nil while nothing is buffered and nothing is being read
	r, w int    // the bytes buf[r:w] are read and not yet consumed
	size int    // of the next buffer

	dst []byte // where the read that is under way reads to first; nil for the buffer alone

	reads   atomic.Uint32 // that brought something; counted by whoever reads, looked at by others
	partial bool          // the front of a frame is buffered,
	began   time.Time     // and has been since then
}

// NewInput returns the reading half of t, of which head has been read already.
func NewInput(t *Conn, limits *rpc.Limits, head []byte) *Input {
	in := &Input{conn: t, limits: limits, size: SmallBuffer}
	if len(head) > 0 {
		in.buf = GetBuffer(len(head))
		in.w = copy(in.buf, head)
	}
	return in
}

// Conn returns the connection that is read.
func (in *Input) Conn() *Conn { return in.conn }

// Reads returns how many reads have brought something. Any goroutine may call it.
func (in *Input) Reads() uint32 { return in.reads.Load() }

// Buffered returns what is read and not consumed.
func (in *Input) Buffered() []byte { return in.buf[in.r:in.w] }

// Discard consumes n buffered bytes.
func (in *Input) Discard(n int) {
	in.r += n
	if in.r == in.w {
		in.r, in.w = 0, 0
	}
}

// Fill reads at least one byte more, into a buffer with room for need bytes in all. A frame of which the front is in
// the buffer has to be whole in its time. Otherwise Fill returns ErrKicked at the time wake, if that is not zero.
func (in *Input) Fill(need int, wake time.Time) error {
	in.reserve(need)
	by := wake
	if in.r < in.w {
		if by = in.frameDeadline(); !wake.IsZero() && wake.Before(by) {
			by = wake
		}
	}
	n, err := in.read(nil, by)
	in.w += n
	in.adapt(n)
	switch {
	case err != errTimeUp:
		return err
	case by.Equal(wake):
		return ErrKicked
	}
	return in.TooSlow()
}

// frameDeadline returns when the frame has to be whole whose front is buffered.
func (in *Input) frameDeadline() time.Time {
	if !in.partial {
		in.partial, in.began = true, time.Now()
	}
	return in.limits.MessageDeadline(in.began, in.w-in.r)
}

// ReadExactly fills dst without a limit of its own, for the handshake has one.
func (in *Input) ReadExactly(dst []byte) error {
	for len(dst) > 0 {
		if len(in.Buffered()) == 0 {
			if err := in.fillOnce(); err != nil {
				return err
			}
		}
		n := copy(dst, in.Buffered())
		in.Discard(n)
		dst = dst[n:]
	}
	return nil
}

// fillOnce is Fill without a limit of its own.
func (in *Input) fillOnce() error {
	in.reserve(1)
	n, err := in.read(nil, time.Time{})
	in.w += n
	return err
}

// Frame returns the next frame if all of it is buffered, and leaves it there; a piece needs only its header. If not,
// need is how many bytes must be.
func (in *Input) Frame() (h frame.Header, body []byte, need int, err error) {
	b := in.Buffered()
	if len(b) < frame.HeaderSize {
		return h, nil, frame.HeaderSize, nil
	}
	if h, err = frame.ParseHeader(b); err != nil || h.IsPiece() {
		in.partial = false
		return h, nil, 0, err
	}
	if need = frame.HeaderSize + h.Length; need > len(b) {
		return h, nil, need, nil
	}
	in.partial = false
	return h, b[frame.HeaderSize:need], 0, nil
}

// Skip consumes n bytes of a frame, reading them if they are not buffered.
func (in *Input) Skip(n int) error {
	var by time.Time
	for n > 0 {
		if len(in.Buffered()) == 0 {
			if by.IsZero() {
				by = in.limits.MessageDeadline(time.Now(), n)
			}
			in.reserve(1)
			m, err := in.read(nil, by)
			if in.w += m; err == errTimeUp {
				return in.TooSlow()
			} else if err != nil && err != ErrKicked {
				return err
			}
		}
		k := min(n, len(in.Buffered()))
		in.Discard(k)
		n -= k
	}
	return nil
}

// reserve makes room for need bytes from in.r on.
func (in *Input) reserve(need int) {
	if in.buf == nil {
		in.size = max(in.size, need)
		return
	}
	if need <= len(in.buf)-in.r && in.w < len(in.buf) {
		return
	}
	old := in.buf
	if need > len(in.buf) {
		in.buf = GetBuffer(need)
	}
	in.w = copy(in.buf, old[in.r:in.w])
	in.r = 0
	if need > len(old) {
		PutBuffer(old)
	}
}

// adapt chooses the size of the next buffer by how much of this one a read has filled.
func (in *Input) adapt(n int) {
	switch {
	case in.w == len(in.buf) && len(in.buf) < LargeBuffer:
		in.size = 4 * len(in.buf)
	case n < len(in.buf)/8 && in.size > SmallBuffer:
		in.size /= 4
	}
}

// ReadBody reads the body of a frame of which the header was consumed, straight to dst.
func (in *Input) ReadBody(dst []byte) error {
	if len(in.Buffered()) >= len(dst) {
		in.Discard(copy(dst, in.Buffered()))
		return nil
	}
	return in.full(dst, in.limits.MessageDeadline(time.Now(), len(dst)))
}

// full reads len(dst) bytes until the time by, buffered ones first, the rest straight into dst, and what comes behind
// them into a small buffer.
func (in *Input) full(dst []byte, by time.Time) error {
	n := copy(dst, in.Buffered())
	in.Discard(n)
	for n < len(dst) {
		in.size = SmallBuffer
		m, err := in.read(dst[n:], by)
		if err == errTimeUp {
			return in.TooSlow()
		} else if err != nil && err != ErrKicked { // a kick is for whoever waits for the next frame
			return err
		}
		if over := m - len(dst[n:]); over > 0 {
			in.w, m = over, m-over
		}
		n += m
	}
	return nil
}

// read reads once: into dst and then into the empty buffer, or, where dst is nil, behind the buffered bytes. It returns
// errTimeUp if nothing has come by the given time; zero is never.
func (in *Input) read(dst []byte, by time.Time) (n int, err error) {
	for {
		if n, err = in.readBy(dst, by); err != errEarly {
			return n, err
		}
	}
}

// errEarly ends a read because of a deadline that was set for an earlier one.
var errEarly = errors.New("the deadline is another's")

// errTimeUp ends a read at its deadline.
var errTimeUp = errors.New("nothing has come in time")

// TooSlow returns the fault of a peer that takes too long over a frame or a message.
func (in *Input) TooSlow() error {
	return frame.Faultf("what it sends was not whole %v after its first byte", in.limits.MessageTime)
}

func (in *Input) readBy(dst []byte, by time.Time) (n int, err error) {
	t := in.conn
	if t.readBy(by); t.kicked.Load() {
		return 0, t.unkick()
	}
	in.dst = dst
	n, err = t.read(in)
	in.dst = nil
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if t.kicked.Load() {
			return 0, t.unkick()
		}
		if time.Now().Before(by) {
			t.deadline = time.Time{}
			return n, errEarly
		}
		return n, errTimeUp
	}
	if n > 0 {
		in.reads.Store(in.reads.Load() + 1)
	}
	return n, err
}

// target returns where the next read goes.
func (in *Input) target() []byte {
	if in.dst != nil {
		return in.dst
	}
	return in.space()
}

// space returns where bytes go that are buffered. An empty buffer is changed for one of the size that fits the traffic.
func (in *Input) space() []byte {
	if in.buf != nil && in.w == 0 && len(in.buf) != sizeClass(in.size) {
		in.Release()
	}
	if in.buf == nil {
		in.buf = GetBuffer(in.size)
	}
	return in.buf[in.w:]
}

func sizeClass(n int) int {
	switch {
	case n <= SmallBuffer:
		return SmallBuffer
	case n <= MediumBuffer:
		return MediumBuffer
	}
	return LargeBuffer
}

// Release gives an empty buffer back.
func (in *Input) Release() {
	if in.buf != nil && in.r == in.w {
		PutBuffer(in.buf)
		in.buf, in.r, in.w = nil, 0, 0
	}
}
