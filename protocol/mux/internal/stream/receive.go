package stream

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

const (
	// ownFrom is from which size a message gets memory of its own, which its strings and bytes may keep. Smaller ones
	// are gathered.
	ownFrom = 4 << 10
	// lengthSize is the bytes of the length in front of a message in a batch.
	lengthSize = 4
	// countEvery is after how many bytes that were read it is looked whether there is credit to give.
	countEvery = 16 << 10
)

// item handles an ITEM that is no REST, on the connection's reader.
func (s *Stream) item(h frame.Header, body []byte, cost int) error {
	if err := s.arrive(cost); err != nil {
		return err
	}
	message, total, err := frame.ParseItem(h.Flags, body)
	switch {
	case err != nil:
		return err
	case s.pieces != nil:
		return frame.Faultf("a message of stream %#08x, where one lacks %d bytes", s.id,
			s.pieces.total-s.pieces.have)
	case s.closed:
		return frame.Faultf("a message behind the END of stream %#08x", s.id)
	case s.deaf:
		s.conn.dropped += cost
		return nil
	case total > s.conn.receive:
		s.conn.dropped += cost
		s.deaf = true
		s.Fail(s.tooLarge("a message that came has", total, s.conn.receive, rpc.OutcomeUnknown))
		return nil
	case total > len(message):
		s.begin(message, total, cost)
		return nil
	}
	s.change()
	if len(message) >= ownFrom || h.Flags != 0 { // the cost of the others is known by their length
		s.publish(false)
		s.deliver(append(transport.Memory(len(message))[:0], message...), cost)
		return nil
	}
	s.gather(message)
	s.filled += cost
	return nil
}

// arrive takes note of what an ITEM takes of the stream's credit.
func (s *Stream) arrive(cost int) error {
	s.arrived += uint64(cost)
	if granted := s.granted.Load(); s.arrived > granted {
		return frame.Faultf("%d bytes on stream %#08x, where there is credit for %d", s.arrived, s.id, granted)
	}
	return nil
}

// change sees to it that what came is published.
func (s *Stream) change() {
	if !s.changed {
		s.changed = true
		s.conn.changed = append(s.conn.changed, s)
	}
}

// gather adds a small message to those that came since the last publish.
func (s *Stream) gather(message []byte) {
	if need := lengthSize + len(message); need > cap(s.filling)-len(s.filling) {
		if len(s.filling)+need > transport.LargeBuffer {
			s.publish(false)
		}
		s.filling = transport.Grow(s.filling, max(need, 2*len(s.filling)))
		if need > cap(s.filling)-len(s.filling) {
			s.filling = transport.Grow(s.filling, need)
		}
	}
	s.filling = binary.LittleEndian.AppendUint32(s.filling, uint32(len(message)))
	s.filling = append(s.filling, message...)
}

// publish shows the messages that came to the receiver, and wakes it if wake.
func (s *Stream) publish(wake bool) {
	buf, cost := s.filling, s.filled
	s.filling, s.filled = nil, 0
	s.mu.Lock()
	if s.failed != nil {
		s.deaf = true
		s.conn.dropped += cost
		transport.PutBuffer(buf)
		s.mu.Unlock()
		return
	}
	if cost > 0 {
		s.countLocked(cost)
		s.held += cost
		s.in.add(entry{buf: buf})
	}
	if wake && !s.in.empty() {
		s.wakeReceiverLocked()
	}
	s.mu.Unlock()
}

// countLocked takes note of what has come of the stream's credit.
func (s *Stream) countLocked(cost int) {
	s.recv.Arrived(cost, s.waiting && s.in.empty(), &s.conn.path, time.Now)
}

// deliver hands a whole message to the receiver, which has cost so much credit.
func (s *Stream) deliver(message []byte, cost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		s.deaf = true
		s.conn.dropped += cost
		return
	}
	s.countLocked(cost)
	s.held += cost
	s.in.add(entry{buf: message, owned: true, cost: cost})
}

// give gives credit back: that of the stream with grant, and n bytes of that of the connection.
func (s *Stream) give(grant bool, n int) {
	if grant {
		_ = s.conn.out.Append(frame.AppendCredit(nil, 0, s.id, s.granted.Load()), false, nil)
	}
	s.conn.consume(n)
}

// Recv implements [rpc.Stream].
func (s *Stream) Recv(ctx context.Context, m rpc.Message) error {
	if !s.receiving.CompareAndSwap(false, true) {
		return s.atOnce("Recv")
	}
	defer s.receiving.Store(false)
	for s.at >= len(s.batch) {
		if err := s.next(ctx); err != nil {
			return err
		}
	}
	if s.owned {
		message := s.batch
		s.batch, s.at, s.owned = nil, 0, false
		s.dec.ResetOwned(message)
		return s.decode(m, message)
	}
	n := int(binary.LittleEndian.Uint32(s.batch[s.at:]))
	message := s.batch[s.at+lengthSize : s.at+lengthSize+n : s.at+lengthSize+n]
	s.at += lengthSize + n
	if s.read += frame.HeaderSize + n; s.read >= countEvery {
		s.count()
	}
	s.dec.Reset(message)
	return s.decode(m, message)
}

// decode fills m.
func (s *Stream) decode(m rpc.Message, message []byte) error {
	m.DecodeWire(s.dec)
	err := s.dec.Err()
	if err == nil {
		return nil
	}
	code := rpc.Internal
	if s.server {
		code = rpc.InvalidArgument
	}
	return rpc.Errorf(code, "a message of the stream cannot be decoded: %w", err).For(s.method, rpc.OutcomeUnknown)
}

// count counts what was read of the batch.
func (s *Stream) count() {
	s.mu.Lock()
	grant, release := s.countReadLocked()
	s.mu.Unlock()
	s.give(grant, release)
}

func (s *Stream) countReadLocked() (grant bool, release int) {
	n := s.read
	s.read = 0
	if n == 0 || s.failed != nil { // Fail has given it back
		return false, 0
	}
	s.held -= n
	grant = s.recv.Consumed(n, time.Now)
	s.granted.Store(s.recv.Granted())
	return grant, n
}

var decoders = sync.Pool{New: func() any { return new(wire.Decoder) }}

// next gets the next batch, for which it waits until ctx ends.
func (s *Stream) next(ctx context.Context) error {
	if !s.owned {
		transport.PutBuffer(s.batch)
	}
	s.batch, s.at, s.owned = nil, 0, false
	for {
		s.mu.Lock()
		grant, release := s.countReadLocked()
		switch {
		case s.failed != nil || s.in.empty() && s.ended != nil:
			err := s.failed
			if err == nil {
				err = s.ended
			}
			s.mu.Unlock()
			s.freeDecoder()
			s.give(grant, release)
			return err
		case !s.in.empty():
			e := s.in.take()
			s.batch, s.owned = e.buf, e.owned
			if e.owned {
				s.read += e.cost
			}
			s.mu.Unlock()
			s.give(grant, release)
			s.conn.unclaim(e.room)
			if s.dec == nil {
				s.dec = decoders.Get().(*wire.Decoder)
			}
			return nil
		}
		if err := ctx.Err(); err != nil {
			s.mu.Unlock()
			s.give(grant, release)
			return s.contextError(ctx, err)
		}
		if b := &s.in.begun; b.missing > 0 && !b.claimed && !b.queued {
			claimed, n := s.claimLocked()
			grant, release = grant || claimed, release+n
		}
		s.waiting = true
		if s.arrives == nil {
			s.arrives = make(chan struct{}, 1)
		}
		s.out.streak = 0
		s.mu.Unlock()
		s.freeDecoder()
		s.give(grant, release)
		if !s.await(ctx, s.arrives) {
			s.stopWaiting()
			return s.contextError(ctx, ctx.Err())
		}
	}
}

// freeDecoder gives the decoder back, which a stream that waits does not need.
func (s *Stream) freeDecoder() {
	if s.dec != nil {
		s.dec.Reset(nil)
		decoders.Put(s.dec)
		s.dec = nil
	}
}

// stopWaiting ends a wait that its context has ended.
func (s *Stream) stopWaiting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	select { // what came in the meantime, never waiting: the connection's reader may want mu
	case <-s.arrives:
	default:
	}
}

// contextError returns the error of a Send or Recv that ctx has ended.
func (s *Stream) contextError(ctx context.Context, err error) error {
	if s.server {
		return err
	}
	return rpc.NewContextError(s.method, rpc.OutcomeUnknown, err, nil)
}
