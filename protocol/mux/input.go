package mux

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
)

// An input is the reading half of a connection. It holds a buffer only while there are bytes in it: it waits for more
// without one where the connection is a socket. One goroutine at a time uses it.
type input struct {
	transport *transport
	limits    *rpc.Limits

	buf  []byte // nil while nothing is buffered and nothing is being read
	r, w int    // the bytes buf[r:w] are read and not yet consumed
	size int    // of the next buffer

	dst []byte // where the read that is under way reads to first; nil for the buffer alone

	reads   atomic.Uint32 // that brought something; counted by whoever reads, looked at by others
	partial bool          // the front of a frame is buffered,
	began   time.Time     // and has been since then
}

func newInput(t *transport, limits *rpc.Limits, head []byte) *input {
	in := &input{transport: t, limits: limits, size: smallBuffer}
	if len(head) > 0 {
		in.buf = getBuffer(len(head))
		in.w = copy(in.buf, head)
	}
	return in
}

// buffered returns what is read and not consumed.
func (in *input) buffered() []byte { return in.buf[in.r:in.w] }

// discard consumes n buffered bytes.
func (in *input) discard(n int) {
	in.r += n
	if in.r == in.w {
		in.r, in.w = 0, 0
	}
}

// fill reads at least one byte more, into a buffer with room for need bytes in all. A frame of which the front is in the
// buffer has to be whole in its time. Otherwise fill returns errKicked at the time wake, if that is not zero.
func (in *input) fill(need int, wake time.Time) error {
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
		return errKicked
	}
	return in.tooSlow()
}

// frameDeadline returns when the frame has to be whole whose front is buffered.
func (in *input) frameDeadline() time.Time {
	if !in.partial {
		in.partial, in.began = true, time.Now()
	}
	return in.limits.MessageDeadline(in.began, in.w-in.r)
}

// fillOnce is fill without a limit of its own.
func (in *input) fillOnce() error {
	in.reserve(1)
	n, err := in.read(nil, time.Time{})
	in.w += n
	return err
}

// frame returns the next frame if all of it is buffered, and leaves it there; a MORE needs only its header. If not, need
// is how many bytes must be.
func (in *input) frame() (h frame.Header, body []byte, need int, err error) {
	b := in.buffered()
	if len(b) < frame.HeaderSize {
		return h, nil, frame.HeaderSize, nil
	}
	if h, err = frame.ParseHeader(b); err != nil || h.Type == frame.TypeMore {
		in.partial = false
		return h, nil, 0, err
	}
	if need = frame.HeaderSize + h.Length; need > len(b) {
		return h, nil, need, nil
	}
	in.partial = false
	return h, b[frame.HeaderSize:need], 0, nil
}

// skip consumes n bytes of a frame, reading them if they are not buffered.
func (in *input) skip(n int) error {
	var by time.Time
	for n > 0 {
		if len(in.buffered()) == 0 {
			if by.IsZero() {
				by = in.limits.MessageDeadline(time.Now(), n)
			}
			in.reserve(1)
			m, err := in.read(nil, by)
			if in.w += m; err == errTimeUp {
				return in.tooSlow()
			} else if err != nil && err != errKicked {
				return err
			}
		}
		k := min(n, len(in.buffered()))
		in.discard(k)
		n -= k
	}
	return nil
}

// reserve makes room for need bytes from in.r on.
func (in *input) reserve(need int) {
	if in.buf == nil {
		in.size = max(in.size, need)
		return
	}
	if need <= len(in.buf)-in.r && in.w < len(in.buf) {
		return
	}
	old := in.buf
	if need > len(in.buf) {
		in.buf = getBuffer(need)
	}
	in.w = copy(in.buf, old[in.r:in.w])
	in.r = 0
	if need > len(old) {
		putBuffer(old)
	}
}

// adapt chooses the size of the next buffer by how much of this one a read has filled.
func (in *input) adapt(n int) {
	switch {
	case in.w == len(in.buf) && len(in.buf) < largeBuffer:
		in.size = 4 * len(in.buf)
	case n < len(in.buf)/8 && in.size > smallBuffer:
		in.size /= 4
	}
}

// full reads len(dst) bytes until the time by, buffered ones first, the rest straight into dst, and what comes behind them
// into a small buffer.
func (in *input) full(dst []byte, by time.Time) error {
	n := copy(dst, in.buffered())
	in.discard(n)
	for n < len(dst) {
		in.size = smallBuffer
		m, err := in.read(dst[n:], by)
		if err == errTimeUp {
			return in.tooSlow()
		} else if err != nil && err != errKicked { // a kick is for whoever waits for the next frame
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
func (in *input) read(dst []byte, by time.Time) (n int, err error) {
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

// tooSlow returns the fault of a peer that takes too long over a frame or a message.
func (in *input) tooSlow() error {
	return frame.Faultf("what it sends was not whole %v after its first byte", in.limits.MessageTime)
}

func (in *input) readBy(dst []byte, by time.Time) (n int, err error) {
	t := in.transport
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
func (in *input) target() []byte {
	if in.dst != nil {
		return in.dst
	}
	return in.space()
}

// space returns where bytes go that are buffered. An empty buffer is changed for one of the size that fits the traffic.
func (in *input) space() []byte {
	if in.buf != nil && in.w == 0 && len(in.buf) != sizeClass(in.size) {
		in.release()
	}
	if in.buf == nil {
		in.buf = getBuffer(in.size)
	}
	return in.buf[in.w:]
}

func sizeClass(n int) int {
	switch {
	case n <= smallBuffer:
		return smallBuffer
	case n <= mediumBuffer:
		return mediumBuffer
	}
	return largeBuffer
}

// release gives an empty buffer back.
func (in *input) release() {
	if in.buf != nil && in.r == in.w {
		putBuffer(in.buf)
		in.buf, in.r, in.w = nil, 0, 0
	}
}
