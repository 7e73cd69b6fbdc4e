package mux

import (
	"context"
	"slices"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
)

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
	c.dec.ResetOwned(sc.pieces.Message())
	sc.pieces = nil
	defer c.endRunning()
	c.decode(sc)
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
	if sc.pieces != nil {
		c.giveUp(sc, rpc.NewError(rpc.Canceled, "the caller gave up"))
	}
}

// maxBegun is how many bytes may be set aside for the calls of a connection of which pieces are missing.
func (c *serverConn) maxBegun() int { return begunMessages * c.server.own.Message }

const begunMessages = 8

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
