package mux

import (
	"context"
	"io"
	"math"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/stream"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// What calls with streams need of a connection, at the client and then at the server: how they begin and end, and whose
// a frame is. What happens in between is in internal/stream.

// callStream makes a call with a stream, whose Body runs while the call is in flight. When that returns, or ends in
// whatever other way, the call has ended at this side, and the server is told unless it has answered.
func (c *Conn) callStream(ctx context.Context, call *rpc.Call) error {
	if !c.streams.Speaks() {
		return rpc.Errorf(rpc.Unimplemented, "%s is a stream, and the server's settings say that it speaks none",
			call.Method.Name).For(call.Method, rpc.OutcomeNotStarted)
	}
	bound, expiry := call.Bound(ctx)
	if err := ended(bound, expiry); err != nil {
		return rpc.NewContextError(call.Method, rpc.OutcomeNotStarted, err, nil)
	}
	end := bound.Done()
	p, _, err := c.slots.take(end, expiry)
	if err != nil {
		return c.notTaken(bound, call, expiry, err)
	}
	c.count(false)
	p.call = call
	s, err := c.openStream(bound, p, expiry, end)
	if err != nil {
		c.slots.release(p)
		return err
	}
	stop := func() bool { return true }
	if id := p.id; end != nil {
		stop = context.AfterFunc(bound, func() {
			s.Fail(rpc.NewContextError(call.Method, rpc.OutcomeUnknown, bound.Err(), nil))
			c.sendCancel(id) // here, for the body may take its time to return
		})
	}
	defer func() {
		p.told = !stop()
		_ = s.Close()
		if !c.abandon(p, stateWaiting) {
			<-p.done
			_ = c.finish(ctx, p)
		}
	}()
	return call.Run(ctx, s)
}

// openStream sends the CALL, behind which the Body is about to send something.
func (c *Conn) openStream(ctx context.Context, p *pending, expiry time.Time,
	end <-chan struct{}) (*stream.Stream, error) {
	method, err := c.method(p.call.Method)
	if err != nil {
		return nil, err
	}
	var head frame.Head
	if err := c.fillHead(ctx, &head, method, expiry); err != nil {
		return nil, err.For(p.call.Method, rpc.OutcomeNotStarted)
	}
	b := head.Append(append(p.frame[:0], make([]byte, frame.HeaderSize)...))
	frame.Header{
		Length: len(b) - frame.HeaderSize, Type: frame.TypeCall, Flags: head.Flags | frame.FlagStream,
		Method: method.number, ID: p.id,
	}.Put(b)
	p.frame = b
	s := new(stream.Stream)
	s.InitClient(&c.streams, p.call.Method, p.id, end)
	p.stream = s
	p.expiry.Store(0)
	if !expiry.IsZero() {
		p.expiry.Store(expiry.UnixNano())
	}
	p.end = math.MaxUint64
	p.state.Store(uint64(p.id)<<stateBits | stateWaiting)
	if err := c.out.AppendLater(b, &p.end); err != nil && p.move(p.id, stateWaiting, stateDelivered) {
		c.stopCalls(err)
		c.toReader() // which learns the rest
		return nil, c.lost(p.call.Method, rpc.OutcomeNotStarted)
	}
	method.named.Store(true)
	if !c.silence.watching.Load() {
		c.silence.watch()
	}
	if !expiry.IsZero() {
		c.deadlines.watch(p.expiry.Load())
	}
	c.toReader()
	return s, nil
}

// sendCancel tells the server that a call's caller has given up.
func (c *Conn) sendCancel(id uint32) {
	var b [frame.HeaderSize]byte
	frame.Header{Type: frame.TypeCancel, ID: id}.Put(b[:])
	_ = c.out.Append(b[:], false, nil)
}

// wake tells p's caller that its call has ended with p.err.
func (p *pending) wake() {
	if p.stream != nil {
		end := p.err
		if end == nil {
			end = io.EOF
		}
		p.stream.End(end, true)
	}
	p.done <- struct{}{}
}

// expire is wake for a call whose deadline has passed.
func (p *pending) expire() {
	if p.stream != nil {
		p.stream.Fail(rpc.NewContextError(p.call.Method, rpc.OutcomeUnknown, context.DeadlineExceeded, nil))
	}
	p.done <- struct{}{}
}

// item handles an ITEM: one that is REST, whose body is still to be read, or any other.
func (c *Conn) item(h frame.Header, body []byte) error {
	p := c.slots.find(h.ID)
	if p == nil || p.stream == nil {
		return frame.Faultf("a message for call %#08x, which is not a stream in flight", h.ID)
	}
	if h.IsPiece() {
		return c.streams.Rest(p.stream, h, c.in)
	}
	return c.streams.Item(p.stream, h, body)
}

// credit handles a CREDIT.
func (c *Conn) credit(h frame.Header, body []byte) error {
	var s *stream.Stream
	if p := c.slots.find(h.ID); p != nil {
		s = p.stream
	}
	return c.streams.Credit(s, h, body)
}

// newStreamCall returns the call of a CALL with a stream, which has no message: all messages are ITEMs.
func (c *serverConn) newStreamCall(h frame.Header, message []byte) (*serverCall, error) {
	if c.peerStream == 0 {
		return nil, frame.Faultf("a stream of a client whose settings say that it speaks none")
	}
	if len(message) > 0 || h.Flags&frame.FlagPieces != 0 {
		return nil, frame.Faultf("a message of %d bytes in the CALL of a stream", len(message))
	}
	c.beginStreams()
	both := new(struct {
		call   serverCall
		stream stream.Stream
	})
	both.call.stream = &both.stream
	return &both.call, nil
}

// beginStreams makes c.streams, of a client that speaks streams.
func (c *serverConn) beginStreams() {
	if c.streams == nil {
		c.streams = new(stream.Conn)
		peer := frame.Settings{Stream: int(c.peerStream), Streams: int(c.peerStreams), Message: int(c.peerMessage)}
		c.streams.Init(c.out, &c.server.own, peer, &c.server.dispatcher.Limits.Limits, c.server.own.Message)
	}
}

// stream returns the stream of the call with the given id: nil where that is not in flight, of which the client may not
// know yet.
func (c *serverConn) stream(h frame.Header) (*stream.Stream, error) {
	if c.streams == nil {
		return nil, frame.Faultf("a frame of type %d for call %#08x, where there were no streams", h.Type, h.ID)
	}
	sc := c.find(h.ID)
	if sc == nil {
		return nil, nil
	}
	if sc.stream == nil {
		return nil, frame.Faultf("a frame of type %d for call %#08x, which is no stream", h.Type, h.ID)
	}
	return sc.stream, nil
}

// piece handles the header of a MORE or a REST, whose body is still to be read.
func (c *serverConn) piece(h frame.Header) (lost bool, err error) {
	if h.Type == frame.TypeMore {
		return c.more(h)
	}
	s, err := c.stream(h)
	if err != nil {
		return false, err
	}
	return false, c.streams.Rest(s, h, c.in)
}

// item handles an ITEM that is no REST.
func (c *serverConn) item(h frame.Header, body []byte) error {
	s, err := c.stream(h)
	if err != nil {
		return err
	}
	return c.streams.Item(s, h, body)
}

// endOfItems handles an END.
func (c *serverConn) endOfItems(h frame.Header) error {
	s, err := c.stream(h)
	if s == nil || err != nil {
		return err
	}
	return s.EndOfMessages()
}

// credit handles a CREDIT. The connection's may come ahead of the first stream.
func (c *serverConn) credit(h frame.Header, body []byte) error {
	if c.peerStream == 0 { // it gets no stream to which that could belong
		_, err := frame.ParseCredit(body)
		return err
	}
	c.beginStreams()
	var s *stream.Stream
	if sc := c.find(h.ID); sc != nil {
		s = sc.stream
	}
	return c.streams.Credit(s, h, body)
}

var errHalfSent = rpc.NewError(rpc.Aborted, "the handler has given up in the middle of sending a message, or returned")

// answerStream answers the call of a stream, behind the messages that its handler has sent. Such a handler runs on a
// worker.
func (c *serverConn) answerStream(sc *serverCall, s *scratch, f *rpc.Failure, flags uint8) {
	if !sc.stream.Seal() && f == nil { // a result would make what has come look like all there is
		f = rpc.Failed(errHalfSent)
	}
	b := sc.encodeStreamAnswer(s, f, flags, func(e *rpc.Error) {
		c.answerFromWorker(sc, new(scratch), rpc.Failed(e), 0)
	})
	sc.method.answered(&c.server.learned[sc.method.route.Index], len(b))
	sc.slot.Store(nil)
	sc.call.Release()
	sc.stream.Finish(b)
	if sc.size > 0 {
		c.queue.keep(sc)
	}
	c.endRunning()
}

// encodeStreamAnswer returns the frames of the answer.
func (sc *serverCall) encodeStreamAnswer(s *scratch, f *rpc.Failure, flags uint8, exited func(*rpc.Error)) []byte {
	if f == nil {
		sc.call.Result = noMessage{}
	}
	b, large := sc.encode(nil, &s.enc, f, flags, exited)
	s.enc.Reset(nil) // which has b
	if large != nil {
		return large.AppendTo(nil)
	}
	return b
}

// noMessage is the message of a stream's RESULT: its results were messages of their own.
type noMessage struct{}

func (noMessage) Reset()                   {}
func (noMessage) EncodeWire(*wire.Encoder) {}
func (noMessage) DecodeWire(*wire.Decoder) {}
