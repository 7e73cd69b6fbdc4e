package mux

import (
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/stream"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A serverCall is one call that a server has read and not yet answered, and its handler's context. It is one allocation
// and never used again, for a handler may keep its context.
type serverCall struct {
	rpc.ServerContext
	conn   *serverConn
	slot   *slot
	id     uint32
	size   int32 // of the arguments while it waits; while it runs on a worker what its answer has been promised
	method *methodName
	call   *rpc.Call
	stream *stream.Stream      // nil for a unary call
	pieces *transport.Assembly // while pieces are missing
}

// decode reads the arguments, on the reader.
func (c *serverConn) decode(sc *serverCall, flags uint8, message []byte) {
	returned := false
	defer func() {
		if !returned {
			p := recover()
			e := sc.guard().Caught("what decodes the arguments", p, func(e *rpc.Error) {
				c.answerFromReader(sc, rpc.Failed(e), 0)
				c.handOverReader()
			})
			if p != nil { // else this goroutine is the reader no more
				c.bad = e
			}
		}
	}()
	if flags&frame.FlagCompressed != 0 {
		if c.bad = c.unpack(sc, message); c.bad != nil {
			returned = true
			return
		}
	}
	sc.call.Args.DecodeWire(&c.dec)
	returned = true
	if err := c.dec.Err(); err != nil {
		c.bad = rpc.Errorf(rpc.InvalidArgument, "%w", err)
	}
}

func (sc *serverCall) guard() rpc.Guard {
	return rpc.Guard{Log: sc.conn.server.dispatcher.Log, Method: sc.method.route.Method}
}

// handOverReader makes another goroutine the reader, for this one, the reader, is about to end. All that is done on it
// after this is deferred, and none of the reader's.
func (c *serverConn) handOverReader() {
	c.flush()
	go c.read()
}

// dispatch runs the call's handler where it runs best. It reports whether that cost this goroutine the reader's role.
func (c *serverConn) dispatch(sc *serverCall) (lost bool) {
	l := &c.server.learned[sc.method.route.Index]
	if e := c.bad; e != nil {
		c.bad = nil
		c.answerFromReader(sc, rpc.Failed(e), 0)
		return false
	}
	if l.inline.Load() && !c.queue.serial && !c.out.Full() {
		return c.runInline(sc, l)
	}
	c.countRunning(1)
	if c.queue.push(sc) {
		c.server.workers.wake(c)
	}
	return false
}

// runInline runs a handler on the reader. If it blocks, the watchdog gives the role to another goroutine.
func (c *serverConn) runInline(sc *serverCall, l *learned) (lost bool) {
	c.runs++
	role := c.runs<<1 | roleInline
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
	failure := sc.method.route.Invoke(sc, sc.call, func(f *rpc.Failure) {
		if c.ranInline(sc, role, f) {
			c.answerFromReader(sc, f, 0)
			c.handOverReader()
		}
	})
	if !c.ranInline(sc, role, failure) {
		return true
	}
	if timed {
		l.ranOnReader(time.Since(start))
	}
	c.answerFromReader(sc, failure, 0)
	c.endRun()
	return false
}

// ranInline reports whether this goroutine, which has run a handler in the given role, is the reader still. If not it
// has answered the call, which takeOver has counted as running.
func (c *serverConn) ranInline(sc *serverCall, role uint64, f *rpc.Failure) bool {
	if c.role.CompareAndSwap(role, role&^roleInline) {
		return true
	}
	sc.size = 0 // nothing was promised
	sc.answer(new(scratch), f)
	return false
}

// endRun sends what has been answered if the reader has been running handlers for long.
func (c *serverConn) endRun() {
	c.handled++
	switch {
	case len(c.scratch.buf) >= frame.MaxSize/2:
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
		c.runs++
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
		c.runOnWorker(sc, s)
	}
}

// runOnWorker runs a handler on a worker.
func (c *serverConn) runOnWorker(sc *serverCall, s *scratch) {
	if err := sc.Err(); err != nil {
		f := sc.method.route.Method.Failure(err)
		c.answerFromWorker(sc, s, &f, frame.FlagNotStarted)
		return
	}
	if c.drain.forced.Load() {
		c.answerFromWorker(sc, s, rpc.Failed(errGoingAway), frame.FlagNotStarted)
		return
	}
	exited := func(f *rpc.Failure) { sc.answer(s, f) }
	l := &c.server.learned[sc.method.route.Index]
	if sc.stream != nil || !l.sample() { // a stream's handler is never one for the reader
		sc.answer(s, sc.method.route.Invoke(sc, sc.call, exited))
		return
	}
	start := time.Now()
	failure := sc.method.route.Invoke(sc, sc.call, exited)
	l.ranOnWorker(time.Since(start))
	sc.answer(s, failure)
}

// answer answers the call outside the reader.
func (sc *serverCall) answer(s *scratch, f *rpc.Failure) { sc.conn.answerFromWorker(sc, s, f, 0) }

func (c *serverConn) answerFromWorker(sc *serverCall, s *scratch, f *rpc.Failure, flags uint8) {
	if sc.stream != nil {
		c.answerStream(sc, s, f, flags)
		return
	}
	s.buf = sc.finish(c.room(s.buf[:0]), &s.enc, f, flags, func(e *rpc.Error) {
		c.answerFromWorker(sc, new(scratch), rpc.Failed(e), 0)
	})
	if len(s.buf) > 0 {
		_ = c.out.Append(s.buf, c.running.Load() > 1, nil)
	}
	if cap(s.buf) > transport.LargeBuffer {
		s.buf = nil
	}
	if sc.size > 0 {
		c.queue.keep(sc)
	}
	c.endRunning()
}

// answerFromReader answers the call with this batch.
func (c *serverConn) answerFromReader(sc *serverCall, f *rpc.Failure, flags uint8) {
	if c.scratch.buf == nil {
		c.scratch.buf = transport.GetBuffer(int(c.batchSize))[:0]
	}
	c.scratch.buf = c.room(c.scratch.buf) // here, for an answer that cannot be encoded must not take the others along
	c.scratch.buf = sc.finish(c.scratch.buf, &c.scratch.enc, f, flags, func(e *rpc.Error) {
		c.answerFromReader(sc, rpc.Failed(e), 0)
		c.handOverReader()
	})
}

// finish appends the call's answer to b and frees its slot. A large answer goes straight to the output. Where encoding
// ends the goroutine, exited answers the call.
func (sc *serverCall) finish(b []byte, enc *wire.Encoder, f *rpc.Failure, flags uint8, exited func(*rpc.Error)) []byte {
	start := len(b)
	b, large := sc.encode(b, enc, f, flags, exited)
	size := len(b) - start
	if large != nil {
		size = large.Left()
	}
	sc.method.answered(&sc.conn.server.learned[sc.method.route.Index], size)
	sc.slot.Store(nil)
	sc.call.Release()
	if large == nil {
		return b
	}
	enc.Reset(nil) // an idle worker keeps no message
	_ = sc.conn.out.AppendLarge(large)
	if start == 0 {
		return nil
	}
	return b[:start:start]
}

// encode appends the frame that answers the call with its result, or with f.
func (sc *serverCall) encode(b []byte, enc *wire.Encoder, f *rpc.Failure, flags uint8,
	exited func(*rpc.Error)) (_ []byte, large *transport.LargeMessage) {
	md := sc.End()
	if md != nil && frame.CheckMetadata(md, int(sc.conn.peerMetadata)) != nil {
		f = rpc.Failed(rpc.Errorf(rpc.Internal, "the handler's metadata: %w",
			frame.CheckMetadata(md, int(sc.conn.peerMetadata))))
		md = nil
	}
	h, message := frame.Header{Type: frame.TypeResult, ID: sc.id}, sc.call.Result
	if f != nil {
		if f.Err != nil {
			var details []rpc.Detail
			if len(f.Err.Details) > 0 {
				var fault *rpc.Error
				if details, fault = sc.encodeDetails(f.Err, exited); fault != nil {
					f, flags = rpc.Failed(fault), 0
				}
			}
			return appendError(transport.Grow(b, 128), sc.id, f.Err, details, flags, md), nil
		}
		h.Type, h.Method, message = frame.TypeException, uint16(f.Index), f.Exception
	}
	whole, large, e := sc.encodeMessage(b, enc, h, message, md, exited)
	if e != nil {
		return appendError(b, sc.id, e, nil, 0, md), nil
	}
	return whole, large
}

// encodeMessage appends a frame with a message.
func (sc *serverCall) encodeMessage(b []byte, enc *wire.Encoder, h frame.Header, message rpc.Message, md rpc.Metadata,
	exited func(*rpc.Error)) (_ []byte, large *transport.LargeMessage, e *rpc.Error) {
	returned := false
	defer func() {
		if !returned {
			e = sc.guard().Caught("what encodes the answer", recover(), exited)
		}
	}()
	start := len(b)
	whole := append(b, make([]byte, frame.HeaderSize)...)
	var head frame.Head
	head.SetMetadata(md)
	h.Flags = head.Flags
	whole = head.Append(whole)
	messageStart := len(whole)
	sc.conn.out.ResetEncoder(enc, whole)
	message.EncodeWire(enc)
	whole, err := enc.Bytes()
	if err != nil {
		err = wire.Explain(message, err)
	}
	size, limit := enc.Size()-messageStart, min(sc.conn.server.own.Message, int(sc.conn.peerMessage))
	if m := sc.method.packing; m.MayPack(size) && err == nil && size <= limit {
		h.Flags |= m.Pack(enc, messageStart, sc.AnswerCompression(m.Policy()))
		whole, _ = enc.Bytes()
	}
	returned = true
	if err != nil {
		return nil, nil, rpc.Errorf(rpc.Internal, "the answer cannot be encoded: %w", err)
	}
	sc.conn.answerSize.Store(int32(min(len(whole)-start, frame.MaxSize)))
	if size > limit {
		return nil, nil, tooLarge("the answer has", size, limit)
	}
	return whole, transport.SealFrame(h, whole, start, messageStart, enc), nil
}

// room returns b with room for an answer as large as the last one.
func (c *serverConn) room(b []byte) []byte { return transport.Grow(b, 64+int(c.answerSize.Load())) }

// encodeDetails returns the details of e as the caller takes them. Where they cannot be encoded, the call's error is
// another one.
func (sc *serverCall) encodeDetails(e *rpc.Error, exited func(*rpc.Error)) (details []rpc.Detail, fault *rpc.Error) {
	returned := false
	defer func() {
		if !returned {
			fault = sc.guard().Caught("what encodes the error's details", recover(), exited)
		}
	}()
	details, err := e.EncodeDetails(rpc.DetailWire, int(sc.conn.peerDetails), sc.conn.server.dispatcher.Log)
	returned = true
	if err != nil {
		return nil, rpc.Errorf(rpc.Internal, "the error cannot be encoded: %w", err)
	}
	return details, nil
}

// unpack makes the reader's decoder read what the arguments of a call were compressed from. Or it returns an answer.
func (c *serverConn) unpack(sc *serverCall, packed []byte) *rpc.Error {
	message, over, err := c.packing.Unpack(packed, c.server.own.Message)
	switch {
	case over > 0:
		return tooLarge("the arguments have", over, c.server.own.Message)
	case err != nil:
		return rpc.Errorf(rpc.InvalidArgument, "the arguments cannot be decompressed: %w", err)
	}
	c.dec.ResetOwned(message)
	sc.size += int32(len(message)) // what waits for a worker counts for what it takes
	return nil
}
