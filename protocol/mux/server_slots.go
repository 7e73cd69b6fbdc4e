package mux

import (
	"context"
	"slices"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
)

// nameMethod gives a method's number its name.
func (c *serverConn) nameMethod(number uint16, name []byte) error {
	if int(number) >= c.server.own.Methods {
		return frame.Faultf("method number %d, where numbers below %d are allowed", number, c.server.own.Methods)
	}
	for int(number) >= len(c.methods) {
		c.methods = append(c.methods, nil)
	}
	m := c.methods[number]
	if m == nil {
		m = c.newMethod(name)
		c.methods[number] = m
	}
	if *m.name != string(name) {
		return frame.Faultf("method number %d was %s and is now %s", number, rpc.Quote(*m.name),
			rpc.Quote(string(name)))
	}
	return nil
}

func (c *serverConn) newMethod(name []byte) *methodName {
	m := new(methodName)
	if m.route, m.err = c.server.dispatcher.Find(name); m.err == nil && m.route.FullName == string(name) {
		m.name = &m.route.FullName
	} else {
		own := string(name)
		m.name = &own
	}
	if m.err == nil {
		m.packing = c.packing.Method(m.route.FullName, false)
		m.expected.Store(c.server.learned[m.route.Index].beginWith())
	}
	return m
}

// freeSlot returns the slot for a new call.
func (c *serverConn) freeSlot(id uint32) (*slot, error) {
	n := slotOf(id)
	if n >= c.server.own.Calls {
		return nil, frame.Faultf("a call in slot %d, where %d calls may be in flight", n, c.server.own.Calls)
	}
	for n/slotChunk >= len(c.slots) {
		c.slots = append(c.slots, nil)
	}
	if c.slots[n/slotChunk] == nil {
		c.slots[n/slotChunk] = new([slotChunk]slot)
	}
	s := &c.slots[n/slotChunk][n%slotChunk]
	if s.Load() != nil {
		return nil, frame.Faultf("a second call in slot %d, where one is running", n)
	}
	return s, nil
}

// find returns the call with the given id that is not answered yet, or nil.
func (c *serverConn) find(id uint32) *serverCall {
	n := slotOf(id)
	if n/slotChunk >= len(c.slots) || c.slots[n/slotChunk] == nil {
		return nil
	}
	sc := c.slots[n/slotChunk][n%slotChunk].Load()
	if sc == nil || sc.id != id {
		return nil
	}
	return sc
}

func (c *serverConn) eachCall(f func(*serverCall)) {
	for _, chunk := range c.slots {
		if chunk == nil {
			continue
		}
		for i := range chunk {
			if sc := chunk[i].Load(); sc != nil {
				f(sc)
			}
		}
	}
}

// more handles the header of a MORE, whose body is still to be read.
func (c *serverConn) more(h frame.Header) (lost bool, err error) {
	sc := c.find(h.ID)
	if sc == nil {
		return false, c.in.Skip(h.Length)
	}
	if sc.pieces == nil {
		return false, frame.Faultf("a piece for call %#08x, of which no pieces are missing", h.ID)
	}
	if c.begun.BytesWith(sc.pieces, h.Length) > c.maxBegun() {
		c.giveUp(sc, c.tooMuchBegun())
		return false, c.in.Skip(h.Length)
	}
	if err := c.begun.Receive(sc.pieces, c.in, h.Length); err != nil || sc.pieces.Active() {
		return false, err
	}
	message, flags := sc.pieces.Message(), sc.pieces.First().Flags
	c.dec.ResetOwned(message)
	sc.pieces = nil
	defer c.endRunning()
	c.decode(sc, flags, message)
	if lost = c.dispatch(sc); !lost && c.drain.acked.Load() {
		c.flush() // before anybody finds that nothing runs, and ends the connection
	}
	return lost, nil
}

// endRunning counts a call that has been answered.
func (c *serverConn) endRunning() {
	c.countRunning(-1)
	c.endIfDrained()
}

// cancel ends a call's context. A call of which pieces are missing is answered at once.
func (c *serverConn) cancel(sc *serverCall) {
	sc.Cancel(context.Canceled)
	if sc.stream != nil {
		sc.stream.Fail(context.Canceled)
	}
	if sc.pieces != nil {
		c.giveUp(sc, rpc.NewError(rpc.Canceled, "the caller gave up"))
	}
}

// maxBegun is how many bytes may be set aside for the calls of a connection of which pieces are missing.
func (c *serverConn) maxBegun() int { return transport.BegunMessages * c.server.own.Message }

func (c *serverConn) tooMuchBegun() *rpc.Error {
	return rpc.Errorf(rpc.ResourceExhausted,
		"calls of which pieces are missing take %d bytes of this connection, and may take %d; "+
			"send fewer at once", c.begun.Bytes(), c.maxBegun())
}

// refuseBegun answers the calls of which pieces are missing that should be there, or all of them if the server cannot
// wait.
func (c *serverConn) refuseBegun() {
	late, why := c.begun.Late(), rpc.Errorf(rpc.DeadlineExceeded,
		"the arguments were not whole %v after their first byte", c.server.dispatcher.Limits.MessageTime)
	if c.drain.forced.Load() {
		late, why = slices.Clone(c.begun.All()), errGoingAway
	}
	for _, a := range late {
		c.giveUp(c.find(a.First().ID), why)
	}
}

// giveUp answers a call of which pieces are missing. Those that still come are ignored.
func (c *serverConn) giveUp(sc *serverCall, why *rpc.Error) {
	c.begun.Remove(sc.pieces)
	c.answerFromReader(sc, rpc.Failed(why), frame.FlagNotStarted)
	sc.pieces = nil
	c.countRunning(-1)
}
