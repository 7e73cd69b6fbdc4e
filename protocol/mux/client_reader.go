package mux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// read reads frames until the connection ends, and then ends the calls that are left.
func (c *Conn) read() {
	err := c.readFrames(nil)
	for err == errAside {
		if err = c.stepAside(); err == nil {
			err = c.readFrames(nil)
		}
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the server closed it")
	}
	if fault, ok := errors.AsType[*frame.Fault](err); ok {
		c.log.Warn("closing a mux connection", "server", c.address, "reason", fault.Error())
		c.out.SendFault(fault.Text)
	}
	c.die(err)
	c.dead.Store(true)
	c.slots.all(c.drop)
}

// readFrames reads until the connection ends. For a caller, which reads its own answer, it returns nil when that is
// there, and errPieces before a MORE; for the reader it returns errAside when it is asked to step aside.
func (c *Conn) readFrames(caller *pending) error {
	for {
		h, body, need, err := c.in.Frame()
		if err != nil {
			return err
		}
		if need > 0 {
			if over, err := c.readOn(caller, need); over || err != nil {
				return err
			}
			continue
		}
		piece := h.IsPiece()
		if piece && caller != nil {
			return errPieces
		}
		c.in.Discard(frame.HeaderSize)
		if piece && h.Type == frame.TypeMore {
			err = c.more(h, &c.dec)
		} else if piece {
			err = c.item(h, nil)
		} else {
			c.in.Discard(len(body)) // which leaves the bytes in place until more are read
			err = c.handle(h, body, &c.dec)
		}
		if err != nil {
			return err
		}
	}
}

// readOn reads more bytes, unless the caller that reads has its answer.
func (c *Conn) readOn(caller *pending, need int) (over bool, err error) {
	c.streams.Publish()
	if caller != nil {
		if _, state := caller.now(); state != stateWaiting {
			return true, nil
		}
	} else if c.role.aside.Load() {
		return true, errAside
	}
	err = c.in.Fill(need, c.begun.Wake())
	if err == transport.ErrKicked {
		err = nil
		if len(c.begun.Late()) > 0 {
			err = c.in.TooSlow()
		}
	}
	return false, err
}

// handle handles any frame but MORE. The body is valid until it returns.
func (c *Conn) handle(h frame.Header, body []byte, dec *wire.Decoder) error {
	switch h.Type {
	case frame.TypeResult, frame.TypeException, frame.TypeError:
		return c.answer(h, body, dec)
	case frame.TypePing:
		return c.pong(body)
	case frame.TypeGoAway:
		c.goAway(body)
	case frame.TypeItem:
		return c.item(h, body)
	case frame.TypeCredit:
		return c.credit(h, body)
	case frame.TypeSettings, frame.TypeCall, frame.TypeCancel, frame.TypeEnd:
		return frame.Faultf("a server sent a frame of type %d", h.Type)
	}
	return nil
}

// answer handles the first or only frame of an answer.
func (c *Conn) answer(h frame.Header, body []byte, dec *wire.Decoder) error {
	p := c.slots.find(h.ID)
	if p == nil || p.pieces.Active() {
		return frame.Faultf("an answer to call %#08x, which is not in flight", h.ID)
	}
	var head frame.Head
	message, err := head.Parse(h.Flags, body, &c.own)
	if err != nil {
		return err
	}
	if h.Flags&frame.FlagCompressed != 0 {
		if err := c.packing.Check(message); err != nil {
			return err
		}
	}
	p.arrived = head.Metadata
	if h.Flags&frame.FlagPieces == 0 {
		if len(message) > c.limits.Message {
			p.pieces = transport.RefusedAssembly(len(message))
		}
		dec.Reset(message)
		c.deliver(p, h, message, dec)
		return nil
	}
	p.pieces, err = transport.BeginAssembly(h, head.Total, message, head.Total > c.limits.Message)
	if err != nil {
		return err
	}
	if p.pieces.Active() {
		c.begun.Add(&p.pieces)
	}
	return c.assembled(p, dec)
}

// more handles the header of a MORE, whose body is still to be read.
func (c *Conn) more(h frame.Header, dec *wire.Decoder) error {
	p := c.slots.find(h.ID)
	if p == nil || !p.pieces.Active() {
		return frame.Faultf("a piece for call %#08x, of whose answer no pieces are missing", h.ID)
	}
	if err := c.begun.Receive(&p.pieces, c.in, h.Length); err != nil {
		return err
	}
	return c.assembled(p, dec)
}

// assembled delivers p's answer if all its pieces are there.
func (c *Conn) assembled(p *pending, dec *wire.Decoder) error {
	if p.pieces.Active() {
		return nil
	}
	message := p.pieces.Message()
	dec.ResetOwned(message)
	c.deliver(p, p.pieces.First(), message, dec)
	dec.Reset(nil) // an idle connection keeps no message
	return nil
}

// deliver ends p's call with an answer, or frees its slot if its caller has given up.
func (c *Conn) deliver(p *pending, h frame.Header, message []byte, dec *wire.Decoder) {
	switch {
	case p.move(h.ID, stateWaiting, stateDelivered):
		p.metadata = p.arrived
		c.settle(p, h, message, dec)
	case p.move(h.ID, stateExpired, stateAnswered):
	case p.move(h.ID, stateAbandoned, stateDelivered):
		c.slots.release(p)
	}
	if p.arrived != nil || p.pieces.Total() > 0 { // the reader's still, whoever has the slot now
		p.arrived, p.pieces = nil, transport.Assembly{}
	}
}

// settle decodes the answer and wakes p's caller. Where decoding ends the goroutine, whoever reads goes on with the
// next frame: the reader by [rpc.Persist], a caller by giving the role up.
func (c *Conn) settle(p *pending, h frame.Header, message []byte, dec *wire.Decoder) {
	m, total := p.call.Method, p.pieces.Total()
	returned := false
	defer func() {
		if returned {
			return
		}
		fault := recover()
		e := c.guard(m).Caught("what decodes the answer", fault, nil)
		if fault == nil && (p.arrived != nil || total > 0) {
			p.arrived, p.pieces = nil, transport.Assembly{}
		}
		p.err = e.For(m, rpc.OutcomeAnswered)
		p.wake()
	}()
	err := c.decode(p, h, message, dec)
	returned = true
	p.err = err
	p.wake()
}

// decode sets the result of p's call or returns its error.
func (c *Conn) decode(p *pending, h frame.Header, message []byte, dec *wire.Decoder) error {
	m := p.call.Method
	if p.pieces.Refused() {
		return tooLarge("the answer has", p.pieces.Total(), c.limits.Message).For(m, rpc.OutcomeAnswered)
	}
	if h.Flags&frame.FlagCompressed != 0 {
		if err := c.unpack(m, message, dec); err != nil {
			return err
		}
		defer dec.Reset(nil) // an idle connection keeps no message
	}
	switch h.Type {
	case frame.TypeResult:
		if p.stream != nil { // its results were messages
			return nil
		}
		p.call.Result.DecodeWire(dec)
		return unreadable(m, dec.Err())
	case frame.TypeException:
		if int(h.Method) >= len(m.Exceptions) {
			return unreadable(m,
				fmt.Errorf("it is exception number %d of %s, and the definition here declares %d; generate the "+
					"code of this side anew", h.Method+1, m.Name, len(m.Exceptions)))
		}
		exc := m.Exceptions[h.Method]()
		exc.Reset()
		exc.DecodeWire(dec)
		if err := unreadable(m, dec.Err()); err != nil {
			return err
		}
		return exc
	}
	return p.systemError(h, message)
}

// unreadable returns the error for an answer that cannot be decoded, or nil.
func unreadable(m *rpc.Method, err error) error {
	if err == nil {
		return nil
	}
	return rpc.Errorf(rpc.Internal, "the answer cannot be decoded: %w", err).For(m, rpc.OutcomeAnswered)
}

// systemError returns the error that an ERROR carries.
func (p *pending) systemError(h frame.Header, message []byte) error {
	m := p.call.Method
	var details []rpc.Detail
	if h.Flags&frame.FlagDetails != 0 {
		var err error
		if details, err = frame.CutDetails(&message); err != nil {
			return unreadable(m, err)
		}
	}
	if len(message) == 0 {
		return unreadable(m, errors.New("an error without a code"))
	}
	code, outcome := rpc.Code(message[0]).Known(), rpc.OutcomeAnswered
	if h.Flags&frame.FlagNotStarted != 0 {
		outcome = rpc.OutcomeNotStarted
	}
	if expiry := p.expiry.Load(); code == rpc.DeadlineExceeded && expiry > 0 && time.Now().UnixNano() >= expiry {
		return rpc.NewContextError(m, outcome, context.DeadlineExceeded, nil)
	}
	e := rpc.NewError(code, string(message[1:])).For(m, outcome)
	e.Details = details
	return e
}

// pong answers a PING. To the first one behind GOAWAY the answer says that no more calls come.
func (c *Conn) pong(body []byte) error {
	if c.goAwayRead && !c.goAwayAcked {
		c.goAwayAcked = true
		c.out.AppendLastPong(body)
		return nil
	}
	return c.out.AppendPong(body)
}

// A refusedError is why a server takes no calls at all on a connection.
type refusedError struct{ text string }

func (e *refusedError) Error() string {
	return fmt.Sprintf("the server refuses the connection: %q", e.text)
}

// Permanent says that the server would refuse the next connection, too.
func (e *refusedError) Permanent() bool { return true }

// goAway handles the server's word that it takes no more calls: those in flight go on, and then the connection ends.
func (c *Conn) goAway(body []byte) {
	if c.goAwayRead {
		return
	}
	c.goAwayRead = true
	reason := errors.New("the server is going away")
	switch {
	case len(body) > 1 && rpc.Code(body[0]) == rpc.FailedPrecondition:
		c.refused = true
		reason = &refusedError{string(body[1:])}
	case len(body) > 1:
		reason = fmt.Errorf("the server is going away: %s", rpc.Quote(string(body[1:])))
	}
	c.stopCalls(reason)
	c.out.RefuseCalls()
	c.draining.Go(func() { // Close waits for it
		<-c.slots.idle
		c.die(reason)
	})
}

// stopCalls makes further calls fail with err, not started.
func (c *Conn) stopCalls(err error) {
	c.slots.close(err)
	c.doneOnce.Do(func() { close(c.done) })
}

// die ends the connection. Its reader learns that, and ends every call on it: nobody else may, since the reader may be
// in the middle of an answer.
func (c *Conn) die(err error) {
	c.stopCalls(err)
	c.out.Fail(err)
	c.toReader()
}

// drop ends p's call because its connection is gone.
func (c *Conn) drop(p *pending) {
	id, state := p.now()
	switch {
	case state == stateWaiting && p.move(id, stateWaiting, stateDelivered):
		p.err = c.lost(p.call.Method, c.fate(p))
		p.wake()
	case state == stateAbandoned && p.move(id, stateAbandoned, stateDelivered):
		c.slots.release(p)
	}
}

// fate tells whether a call that will get no answer may have run.
func (c *Conn) fate(p *pending) rpc.Outcome {
	if c.refused || p.large != nil && c.out.Incomplete(p.large) || p.large == nil && c.out.Unsent(&p.end) {
		return rpc.OutcomeNotStarted
	}
	return rpc.OutcomeUnknown
}

// unpack makes dec read what an answer to m was compressed from.
func (c *Conn) unpack(m *rpc.Method, packed []byte, dec *wire.Decoder) error {
	message, over, err := c.packing.Unpack(packed, c.limits.Message)
	if over > 0 {
		return tooLarge("the answer has", over, c.limits.Message).For(m, rpc.OutcomeAnswered)
	}
	dec.ResetOwned(message)
	return unreadable(m, err)
}
