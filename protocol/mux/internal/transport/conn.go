// Package transport is the two halves of a mux connection, which both sides have. An [Input] reads frames, and the
// messages that arrive in pieces are [Assemblies]; an [Output] writes frames, those of many goroutines at once, and
// large messages by reference. A [Conn] is the net.Conn under both. The package knows frames and no calls: what a frame
// means is for package mux.
package transport

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Conn is the network connection under both halves of a connection, its deadlines, and the reads and writes that
// take what a socket has or has room for and do not hold a buffer, or a caller, while they wait. After the
// handshake nothing else reads or writes the net.Conn: what an [Input] has read and an [Output] has queued stands in
// these alone.
type Conn struct {
	nc  net.Conn
	raw syscall.RawConn // of nc; nil where there is no file descriptor

	// Of the one goroutine that reads.
	readFD   func(fd uintptr) bool // t.tryRead, made once
	reader   *Input                // whose read is under way
	n        int
	err      error
	scatter  *scatter  // nil until a read has two places
	deadline time.Time // for reads, as it is set; zero for none

	kicking sync.Mutex  // a kick and its end come one after the other
	kicked  atomic.Bool // set by Kick, from any goroutine; cleared by the one that reads; both with kicking held

	// Of the one goroutine that writes.
	writeFD  func(fd uintptr) bool // t.tryWrite, made once
	bufs     *net.Buffers          // that are being written
	written  int
	writeErr error
	gather   *gather // nil until a write has several places
}

// NewConn returns the transport over nc, which is its from now on.
func NewConn(nc net.Conn) *Conn {
	t := &Conn{nc: nc, raw: rawConn(nc)}
	if t.raw != nil {
		t.readFD, t.writeFD = t.tryRead, t.tryWrite
	}
	return t
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

// isSocket says that write is to be tried first, and may read messages from where they are.
func (t *Conn) isSocket() bool { return t.raw != nil }

// read reads once into what in has room for, and waits for the first byte until the deadline for reads.
func (t *Conn) read(in *Input) (n int, err error) {
	if t.raw == nil {
		return t.nc.Read(in.target())
	}
	t.reader, t.n, t.err = in, 0, nil
	if err = t.raw.Read(t.readFD); err == nil {
		err = t.err
	}
	t.reader = nil
	if t.n == 0 && err == nil {
		err = io.EOF
	}
	return t.n, err
}

// ErrKicked ends a read before anything came, so that whoever reads looks up.
var ErrKicked = errors.New("kicked")

// Kick makes the read that is under way, or else the next one, return ErrKicked. Any goroutine may call it.
func (t *Conn) Kick() {
	t.kicking.Lock()
	defer t.kicking.Unlock()
	t.kicked.Store(true)
	_ = t.nc.SetReadDeadline(time.Unix(1, 0))
}

// unkick makes the connection ready for the next read. What the kick was for must be looked at after it.
func (t *Conn) unkick() error {
	t.kicking.Lock()
	defer t.kicking.Unlock()
	t.kicked.Store(false)
	t.deadline = time.Time{}
	_ = t.nc.SetReadDeadline(t.deadline)
	return ErrKicked
}

// NetConn returns the net.Conn, for what is done before there are frames, and for looking whether the peer is there.
// What comes of it is read by an [Input] alone.
func (t *Conn) NetConn() net.Conn { return t.nc }

// readBy sees to it that the next read ends at the given time; zero is never. A deadline that is set and earlier stays,
// since moving it costs more than finding out now and then that it was too early.
func (t *Conn) readBy(by time.Time) {
	if by.IsZero() == t.deadline.IsZero() && !t.deadline.After(by) {
		return
	}
	t.deadline = by
	_ = t.nc.SetReadDeadline(by)
}

// DiscardUnread reads and drops what still comes, for a second at most: a socket that is closed with bytes unread would
// make the network drop what was sent last.
func (t *Conn) DiscardUnread() {
	_ = t.nc.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.Copy(io.Discard, io.LimitReader(t.nc, maxDiscarded))
}

// maxDiscarded bounds the bytes that DiscardUnread reads.
const maxDiscarded = 1 << 20

// try writes what a socket takes of bufs now, and leaves them as they are.
func (t *Conn) try(bufs *net.Buffers) (n int, err error) {
	t.bufs, t.written, t.writeErr = bufs, 0, nil
	if err = t.raw.Write(t.writeFD); err == nil {
		err = t.writeErr
	}
	t.bufs, t.writeErr = nil, nil
	return t.written, err
}

// write writes bufs, and takes what is written off their front; it waits until the deadline for writes.
func (t *Conn) write(bufs *net.Buffers) (int64, error) { return bufs.WriteTo(t.nc) }

// writeBy sets the deadline for writes; zero is never. A try does not heed it.
func (t *Conn) writeBy(by time.Time) { _ = t.nc.SetWriteDeadline(by) }

// interruptWrite makes a write that is under way, and waits, return at once.
func (t *Conn) interruptWrite() { t.writeBy(time.Unix(1, 0)) }

// SetDeadline bounds reads and writes during the handshake, before anything else sets a deadline; zero is never.
func (t *Conn) SetDeadline(by time.Time) error { return t.nc.SetDeadline(by) }

// closeWrite ends this side's direction, so that the peer reads all of it and then the end; where that cannot be, it
// ends the connection.
func (t *Conn) closeWrite() {
	if half, ok := t.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	t.close()
}

func (t *Conn) close() { _ = t.nc.Close() }
