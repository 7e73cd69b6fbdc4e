package mux

import (
	"time"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A serverCall is one call that a server has read and not yet answered, and its handler's context. It is one allocation and
// never used again, for a handler may keep its context.
type serverCall struct {
	rpc.ServerContext
	conn   *serverConn
	slot   *slot
	id     uint32
	route  *rpc.Route
	call   *rpc.Call
	bad    *rpc.Error // the arguments cannot be decoded
	pieces *assembly  // while pieces are missing
}

// decode reads the arguments. A panic of an unmarshaller is an error.
func (sc *serverCall) decode(dec *wire.Decoder) {
	defer func() {
		if v := recover(); v != nil {
			sc.bad = rpc.Errorf(rpc.Internal, "decoding the arguments panicked: %v", v)
		}
	}()
	sc.call.Args.DecodeWire(dec)
	if err := dec.Err(); err != nil {
		sc.bad = rpc.Errorf(rpc.InvalidArgument, "%w", err)
	}
}

// dispatch runs the call's handler where it runs best. It reports whether that cost this goroutine the reader's role.
func (c *serverConn) dispatch(sc *serverCall) (lost bool) {
	l := &c.server.learned[sc.route.Index]
	if sc.bad != nil {
		c.answerFromReader(sc, sc.bad, 0)
		return false
	}
	if l.inline.Load() && !c.queue.serial {
		return c.runHere(sc, l)
	}
	c.countRunning(1)
	if c.queue.push(sc) {
		c.server.workers.wake(c)
	}
	return false
}

// runHere runs a handler on the reader. If it blocks, the watchdog gives the role to another goroutine.
func (c *serverConn) runHere(sc *serverCall, l *learned) (lost bool) {
	c.turn++
	role := c.turn<<1 | roleInline
	c.handling = l
	c.role.Store(role)
	if !c.watched.Load() && c.watched.CompareAndSwap(false, true) {
		c.server.watchdog.watch(c)
	}
	timed := l.sample()
	var start time.Time
	if timed {
		start = time.Now()
	}
	err := sc.route.Invoke(sc, sc.call)
	if !c.role.CompareAndSwap(role, role&^roleInline) {
		sc.answer(new(scratch), err) // takeOver has counted it as running
		return true
	}
	if timed {
		l.ranOnReader(time.Since(start))
	}
	c.answerFromReader(sc, err, 0)
	c.endTurn()
	return false
}

// endTurn sends what has been answered if the reader has been running handlers for long.
func (c *serverConn) endTurn() {
	c.handled++
	switch {
	case len(c.scratch.buf) >= maxFrame/2:
		c.flush()
	case c.handled == 1:
		c.since = c.server.age()
	case c.handled%8 == 0 && c.server.age()-c.since > inlineBatch:
		c.flush()
	}
}

// takeOver makes another goroutine the reader, if the handler of the given role still runs.
func (c *serverConn) takeOver(role uint64) {
	c.countRunning(1) // for the handler's goroutine, before another can find that nothing runs
	if !c.role.CompareAndSwap(role, role+1) {
		c.countRunning(-1)
		return
	}
	c.handling.demote()
	go func() {
		c.turn++
		c.read()
	}()
}

// countRunning counts calls that are not answered, those that the reader answers at once aside.
func (c *serverConn) countRunning(n int) {
	c.running.Add(int32(n))
	c.calls.Add(n)
}

// runQueue runs the calls that wait for a worker.
func (c *serverConn) runQueue(s *scratch) {
	for arriving := true; ; arriving = false {
		sc, wake := c.queue.pop(arriving)
		if wake {
			c.server.workers.wake(c)
		}
		if sc == nil {
			return
		}
		c.runThere(sc, s)
	}
}

// runThere runs a handler on a worker.
func (c *serverConn) runThere(sc *serverCall, s *scratch) {
	if err := sc.Err(); err != nil {
		c.answerFromWorker(sc, s, err, flagNotStarted)
		return
	}
	l := &c.server.learned[sc.route.Index]
	if !l.sample() {
		sc.answer(s, sc.route.Invoke(sc, sc.call))
		return
	}
	start := time.Now()
	err := sc.route.Invoke(sc, sc.call)
	l.ranOnWorker(time.Since(start))
	sc.answer(s, err)
}

// answer answers the call outside the reader.
func (sc *serverCall) answer(s *scratch, err error) { sc.conn.answerFromWorker(sc, s, err, 0) }

func (c *serverConn) answerFromWorker(sc *serverCall, s *scratch, err error, flags uint8) {
	s.buf = sc.finish(s.buf[:0], &s.enc, err, flags)
	if len(s.buf) > 0 {
		_ = c.out.append(s.buf, c.running.Load() > 1, nil)
	}
	if cap(s.buf) > largeBuffer {
		s.buf = nil
	}
	c.countRunning(-1)
	c.endIfDrained()
}

// answerFromReader answers the call with this batch.
func (c *serverConn) answerFromReader(sc *serverCall, err error, flags uint8) {
	if c.scratch.buf == nil {
		c.scratch.buf = getBuffer(int(c.batchSize))[:0]
	}
	c.scratch.buf = sc.finish(c.scratch.buf, &c.scratch.enc, err, flags)
}

// finish appends the call's answer to b and frees its slot. A large answer goes straight to the output.
func (sc *serverCall) finish(b []byte, enc *wire.Encoder, err error, flags uint8) []byte {
	start := len(b)
	b, large := sc.encode(b, enc, err, flags)
	sc.slot.Store(nil)
	sc.call.Release()
	if large == nil {
		return b
	}
	enc.Reset(nil) // an idle worker keeps no message
	_ = sc.conn.out.appendLarge(large)
	if start == 0 {
		return nil
	}
	return b[:start:start]
}

// encode appends the frame that answers the call with its result, or with err.
func (sc *serverCall) encode(b []byte, enc *wire.Encoder, err error, flags uint8) (_ []byte, large *largeMessage) {
	md := sc.End()
	if md != nil && checkMetadata(md, sc.conn.peerMetadata) != nil {
		err, md = rpc.Errorf(rpc.Internal, "the handler's metadata: %w", checkMetadata(md, sc.conn.peerMetadata)), nil
	}
	h, message := header{kind: frameResult, id: sc.id}, sc.call.Result
	if err != nil {
		f := sc.route.Method.Failure(err)
		if f.Err != nil {
			return appendError(grow(b, 128), sc.id, f.Err, flags, md), nil
		}
		h.kind, h.method, message = frameException, uint16(f.Index), f.Exception
	}
	b = sc.conn.room(b) // which may give the old b back: nobody goes on with that
	frame, large, e := sc.encodeMessage(b, enc, h, message, md)
	if e != nil {
		return appendError(b, sc.id, e, 0, md), nil
	}
	return frame, large
}

// encodeMessage appends a frame with a message. A panic of a marshaller is an error.
func (sc *serverCall) encodeMessage(b []byte, enc *wire.Encoder, h header, message rpc.Message, md rpc.Metadata) (
	_ []byte, large *largeMessage, e *rpc.Error) {
	defer func() {
		if v := recover(); v != nil {
			e = rpc.Errorf(rpc.Internal, "encoding the answer panicked: %v", v)
		}
	}()
	start := len(b)
	frame := append(b, make([]byte, headerSize)...)
	if md != nil {
		h.flags |= flagMetadata
		frame = appendMetadata(frame, md)
	}
	messageStart := len(frame)
	sc.conn.out.reset(enc, frame)
	message.EncodeWire(enc)
	frame, err := enc.Bytes()
	if err != nil {
		return nil, nil, rpc.Errorf(rpc.Internal, "the answer cannot be encoded: %w", wire.Explain(message, err))
	}
	size := enc.Size() - messageStart
	sc.conn.answerSize.Store(int32(min(len(frame)-start, maxFrame)))
	limit := min(sc.conn.server.own.message, sc.conn.peerMessage)
	if size > limit {
		return nil, nil, tooLarge("the answer has", size, limit)
	}
	return frame, sealFrame(h, frame, start, messageStart, enc), nil
}

// room returns b with room for an answer as large as the last one.
func (c *serverConn) room(b []byte) []byte { return grow(b, 64+int(c.answerSize.Load())) }
