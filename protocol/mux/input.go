package mux

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
)

// An input is the reading half of a connection. It holds a buffer only while there are bytes in it: it waits for more
// without one where the connection is a socket. One goroutine at a time uses it.
type input struct {
	nc     net.Conn
	raw    syscall.RawConn // nil where there is no file descriptor
	limits *rpc.Limits

	buf  []byte // nil while nothing is buffered and nothing is being read
	r, w int    // the bytes buf[r:w] are read and not yet consumed
	size int    // of the next buffer

	readFD func(fd uintptr) bool // reads into dst, or into the buffer where dst is nil
	dst    []byte
	n      int
	err    error

	reads    atomic.Uint32 // that brought something, which others may look at
	partial  bool          // the front of a frame is buffered,
	began    time.Time     // and has been since then
	deadline time.Time     // as it is set; zero for none
	kicking  sync.Mutex    // a kick and its end come one after the other
	kicked   atomic.Bool
	vectors  scatter
}

func newInput(nc net.Conn, limits *rpc.Limits, head []byte) *input {
	in := &input{nc: nc, raw: rawConn(nc), limits: limits, size: smallBuffer}
	in.readFD = in.tryRead
	if len(head) > 0 {
		in.buf = getBuffer(len(head))
		in.w = copy(in.buf, head)
	}
	return in
}

// rawConn returns nc's file descriptor for reads and writes that do not block, or nil.
func rawConn(nc net.Conn) syscall.RawConn {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil || !canTryIO {
		return nil
	}
	return raw
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
	if in.setDeadline(by); in.kicked.Load() {
		return 0, in.unkick()
	}
	in.dst, in.n, in.err = dst, 0, nil
	if in.raw == nil {
		in.n, in.err = in.nc.Read(in.target())
	} else if err := in.raw.Read(in.readFD); err != nil {
		in.err = err
	}
	in.dst = nil
	if errors.Is(in.err, os.ErrDeadlineExceeded) {
		if in.kicked.Load() {
			return 0, in.unkick()
		}
		if time.Now().Before(by) {
			in.deadline = time.Time{}
			return in.n, errEarly
		}
		return in.n, errTimeUp
	}
	if in.n == 0 && in.err == nil && in.raw != nil {
		return 0, io.EOF
	}
	in.reads.Store(in.reads.Load() + 1)
	return in.n, in.err
}

// errKicked ends a read before anything came, so that whoever reads looks up.
var errKicked = errors.New("kicked")

// kick makes the read that is under way, or else the next one, return errKicked. Any goroutine may call it.
func (in *input) kick() {
	in.kicking.Lock()
	defer in.kicking.Unlock()
	in.kicked.Store(true)
	_ = in.nc.SetReadDeadline(time.Unix(1, 0))
}

// unkick readies the input for the next read. What the kick was for must be looked at after it.
func (in *input) unkick() error {
	in.kicking.Lock()
	defer in.kicking.Unlock()
	in.kicked.Store(false)
	in.deadline = time.Time{}
	_ = in.nc.SetReadDeadline(in.deadline)
	return errKicked
}

// setDeadline sees to it that the next read ends at the given time; zero is never. A deadline that is set and earlier
// stays, since moving it costs more than finding out now and then that it was too early.
func (in *input) setDeadline(by time.Time) {
	if by.IsZero() == in.deadline.IsZero() && !in.deadline.After(by) {
		return
	}
	in.deadline = by
	_ = in.nc.SetReadDeadline(by)
}

// linger throws away what still comes, for a second at most: a socket closed with bytes unread would take back what was
// sent last.
func (in *input) linger() {
	_ = in.nc.SetReadDeadline(time.Now().Add(lastWordsTime))
	_, _ = io.Copy(io.Discard, io.LimitReader(in.nc, maxLinger))
}

// maxLinger bounds the bytes that linger reads.
const maxLinger = 1 << 20

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
