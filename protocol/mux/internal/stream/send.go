package stream

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"

	"github.com/yodelrpc/yodel/protocol/mux/internal/flow"
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

const (
	// copyUpTo is up to which size messages are put together. Larger ones are sent from where they were encoded.
	copyUpTo = 4 << 10
	// wholeUpTo is up to which size they go in one frame. The receiver reads the pieces of larger ones straight to
	// their place, but for the first, which is therefore small.
	wholeUpTo  = 32 << 10
	firstPiece = 512
	// writeFrom is for how many bytes a write of their own pays.
	writeFrom = 16 << 10
	// maxPending is how many bytes wait to be written before a Send waits too.
	maxPending = 64 << 10
)

// An outbox is what waits to be written.
type outbox struct {
	pending []segment
	size    int // bytes of pending
	taken   []segment
	space   [2]segment
	limit   int // bytes of credit that a segment takes at most

	over    bool          // nothing more is sent
	closed  bool          // END is queued
	partial bool          // of a message in pieces not all are queued; stays so where it was given up
	ready   bool          // the output knows that there is something
	streak  int           // messages since the receiver last had to wait
	waiting bool          // Send waits; whoever ends that sends to room
	room    chan struct{} // of capacity 1; nil until somebody has to wait
}

// A segment is whole frames.
type segment struct {
	head [frame.HeaderSize]byte // stands before buf where that is a piece of a message, and has no room for it
	rest bool                   // it is that
	buf  []byte
	cost int    // of the connection's credit
	free []byte // to give back when it has been written; nil for none
	open bool   // more small frames may be put into buf
}

// wake wakes a Send that waits.
func (b *outbox) wake() {
	if b.waiting {
		b.waiting = false
		b.room <- struct{}{}
	}
}

// drop lets go of what waits, and ends all sending.
func (b *outbox) drop() {
	b.over = true
	b.pending, b.size = nil, 0
	b.wake()
}

// add adds small frames, which it copies.
func (b *outbox) add(frames []byte, cost int) {
	if last := len(b.pending) - 1; last >= 0 && b.pending[last].open && b.pending[last].cost+cost <= b.limit {
		g := &b.pending[last]
		if len(frames) > cap(g.buf)-len(g.buf) && cap(g.buf) < transport.LargeBuffer {
			g.buf = transport.Grow(g.buf, min(max(len(frames), cap(g.buf)), transport.LargeBuffer-len(g.buf)))
		}
		if len(frames) <= cap(g.buf)-len(g.buf) {
			g.buf = append(g.buf, frames...)
			g.cost += cost
			b.size += len(frames)
			return
		}
	}
	b.push(segment{buf: append(transport.GetBuffer(len(frames))[:0], frames...), cost: cost, open: true})
}

// push adds a segment, behind which small frames do not get into the one before it.
func (b *outbox) push(g segment) {
	if b.pending == nil {
		b.pending = b.space[:0]
	}
	b.pending = append(b.pending, g)
	b.size += len(g.buf)
}

// Take implements [transport.Source].
func (s *Stream) Take(bufs net.Buffers, credit int) (_ net.Buffers, cost int, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.out
	n, size := 0, 0
	for n < len(b.pending) && size < transport.StreamQuantum && b.pending[n].cost <= credit-cost {
		b.taken = append(b.taken, b.pending[n])
		g := &b.taken[len(b.taken)-1]
		if g.rest {
			bufs = append(bufs, g.head[:])
		}
		bufs = append(bufs, g.buf)
		size += len(g.buf)
		cost += g.cost
		n++
	}
	clear(b.pending[:n])
	b.size -= size
	if b.pending = b.pending[n:]; len(b.pending) == 0 {
		b.pending = nil
	}
	b.ready = b.pending != nil
	if b.size < maxPending {
		b.wake()
	}
	return bufs, cost, b.ready
}

// Taken implements [transport.Source].
func (s *Stream) Taken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.out.taken {
		g := &s.out.taken[i]
		switch {
		case g.open:
			transport.PutBuffer(g.buf)
		case g.free != nil:
			putEncoded(g.free)
		}
		*g = segment{}
	}
	if s.out.taken = s.out.taken[:0]; s.out.pending == nil {
		s.out.taken = nil
	}
}

// credit takes note of a CREDIT.
func (s *Stream) credit(offset uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.send.Credit(offset) {
		s.out.wake()
	}
}

// A scratch is what a message is encoded with.
type scratch struct {
	enc wire.Encoder
	buf []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{buf: make([]byte, copyUpTo)} }}

// Send implements [rpc.Stream].
func (s *Stream) Send(ctx context.Context, m rpc.Message) error {
	if !s.sending.CompareAndSwap(false, true) {
		return s.atOnce("Send")
	}
	defer s.sending.Store(false)
	e := scratches.Get().(*scratch)
	b := e.buf
	if size := int(s.lastSent); size > copyUpTo {
		b = getEncoded(size + size/8)
	}
	e.enc.Reset(b[:frame.HeaderSize])
	m.EncodeWire(&e.enc)
	b, err := e.enc.Bytes()
	e.enc.Reset(nil)
	n := len(b) - frame.HeaderSize
	s.lastSent = int32(n)
	switch {
	case err != nil:
		err = s.cannotEncode(m, err)
	case n > s.conn.send:
		err = s.tooLarge("the message has", n, s.conn.send, rpc.OutcomeUnknown)
	case n <= copyUpTo:
		err = s.sendSmall(ctx, b)
	default:
		err = s.sendLarge(ctx, b)
	}
	scratches.Put(e)
	return err
}

func (s *Stream) cannotEncode(m rpc.Message, err error) error {
	code := rpc.InvalidArgument
	if s.server {
		code = rpc.Internal
	}
	return rpc.Errorf(code, "a message of the stream cannot be encoded: %w", wire.Explain(m, err)).
		For(s.method, rpc.OutcomeUnknown)
}

// sendSmall queues a message with room for its header in front.
func (s *Stream) sendSmall(ctx context.Context, b []byte) error {
	s.header(frame.TypeItem, 0, len(b)-frame.HeaderSize).Put(b)
	s.mu.Lock()
	if err := s.waitLocked(ctx, len(b)); err != nil {
		s.mu.Unlock()
		return err
	}
	s.send.Sent(len(b))
	s.out.add(b, len(b))
	s.sendLocked()
	return nil
}

// sendLocked tells the output that there is something to send, and gives the lock back. A message alone is written at
// once, and so is a large one, for which a write pays. Where small ones come one after another a goroutine writes, and
// so those behind the first go along.
func (s *Stream) sendLocked() {
	s.out.streak++
	tell, alone := !s.out.ready, s.out.streak == 1 || s.out.size >= writeFrom
	s.out.ready = true
	s.mu.Unlock()
	if tell {
		s.conn.out.Ready(s, alone)
	}
}

// waitLocked waits until there is room for a message of which the rest takes n bytes of credit, or so much that it is
// worth to send a piece.
func (s *Stream) waitLocked(ctx context.Context, n int) error {
	n = min(n, flow.Least)
	for {
		switch {
		case s.out.over || s.out.closed:
			return io.EOF
		case s.send.Left() >= n && s.out.size < maxPending:
			return nil
		}
		if err := ctx.Err(); err != nil {
			return s.contextError(ctx, err)
		}
		s.out.waiting = true
		if s.out.room == nil {
			s.out.room = make(chan struct{}, 1)
		}
		s.mu.Unlock()
		woken := s.await(ctx, s.out.room)
		s.mu.Lock()
		if !woken {
			s.out.waiting = false
			select { // what came in the meantime, never waiting: the connection's reader may want mu
			case <-s.out.room:
			default:
			}
			return s.contextError(ctx, ctx.Err())
		}
	}
}

// sendLarge queues a message with room for its header in front, which is the stream's from now on.
func (s *Stream) sendLarge(ctx context.Context, b []byte) error {
	total := len(b) - frame.HeaderSize
	s.mu.Lock()
	if err := s.waitLocked(ctx, len(b)); err != nil {
		s.mu.Unlock()
		return err
	}
	if total <= wholeUpTo && len(b) <= min(s.send.Left(), s.conn.segment) {
		s.header(frame.TypeItem, 0, total).Put(b)
		s.send.Sent(len(b))
		s.out.push(segment{buf: b, cost: len(b), free: b})
		s.sendLocked()
		return nil
	}
	first := s.firstOf(b, total)
	s.send.Sent(len(first))
	s.out.add(first, len(first))
	s.out.partial = true
	rest := b[frame.HeaderSize+firstPiece:]
	for len(rest) > 0 {
		if err := s.waitLocked(ctx, len(rest)); err != nil {
			s.out.over = true
			s.mu.Unlock()
			if err != io.EOF { // with which the stream has ended, and Recv says why
				s.Fail(err) // no other message can follow, and the peer must not wait for the rest of this one
			}
			return err
		}
		n := min(len(rest), s.send.Left(), s.conn.segment, frame.MaxBody)
		g := segment{rest: true, buf: rest[:n:n], cost: n}
		if rest = rest[n:]; len(rest) == 0 {
			g.free = b
		}
		s.header(frame.TypeItem, frame.FlagRest, n).Put(g.head[:])
		s.send.Sent(n)
		s.out.push(g)
		if len(rest) > 0 {
			s.sendLocked()
			s.mu.Lock()
		}
	}
	s.out.partial = false
	s.sendLocked()
	return nil
}

// firstOf returns the frame with the first piece of a message.
func (s *Stream) firstOf(b []byte, total int) []byte {
	const headSize = frame.HeaderSize + 4
	first := make([]byte, headSize, headSize+firstPiece)
	s.header(frame.TypeItem, frame.FlagPieces, 4+firstPiece).Put(first)
	binary.LittleEndian.PutUint32(first[frame.HeaderSize:], uint32(total))
	return append(first, b[frame.HeaderSize:frame.HeaderSize+firstPiece]...)
}

// CloseSend implements [rpc.Stream].
func (s *Stream) CloseSend() error {
	if !s.sending.CompareAndSwap(false, true) { // END could get into the middle of a message
		return s.atOnce("CloseSend")
	}
	defer s.sending.Store(false)
	var end [frame.HeaderSize]byte
	s.header(frame.TypeEnd, 0, 0).Put(end[:])
	s.mu.Lock()
	if s.out.over || s.out.closed || s.server {
		s.mu.Unlock()
		return nil
	}
	s.out.closed = true
	s.out.add(end[:], 0)
	s.sendLocked()
	return nil
}

// Seal ends all sending but that of Finish. It reports whether the messages that were sent are whole: one in pieces is
// not where its Send was given up, or goes on although the handler has returned.
func (s *Stream) Seal() (whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.over = true
	s.out.wake()
	return !s.out.partial
}

// Finish ends a server's stream with the frames of the call's answer, behind the messages that wait.
func (s *Stream) Finish(answer []byte) {
	s.mu.Lock()
	held, room := 0, 0
	if s.failed == nil {
		s.failed = errClosed
		held, room = s.dropLocked()
		s.wakeReceiverLocked()
	}
	s.out.over = true
	s.out.wake()
	for len(answer) > transport.LargeBuffer {
		s.out.push(segment{buf: answer[:transport.LargeBuffer]})
		answer = answer[transport.LargeBuffer:]
	}
	s.out.add(answer, 0)
	s.sendLocked()
	s.conn.consume(held)
	s.conn.unclaim(room)
}

// Memory for messages that are not put together comes in three sizes; those beyond are left to the garbage collector.
const (
	encodedLarge = transport.LargeBuffer
	encodedMore  = 136 << 10 // for messages with 64 or 128 KiB of content
)

var moreEncoded = sync.Pool{New: func() any { return new([encodedMore]byte) }}

func getEncoded(n int) []byte {
	switch {
	case n <= encodedLarge:
		return transport.GetBuffer(n)
	case n <= encodedMore:
		return moreEncoded.Get().(*[encodedMore]byte)[:]
	}
	return transport.Memory(n)
}

func putEncoded(b []byte) {
	if cap(b) == encodedMore {
		moreEncoded.Put((*[encodedMore]byte)(b[:encodedMore]))
		return
	}
	transport.PutBuffer(b)
}
