// Package stream is the streams of a mux connection, which both sides have: how messages wait to be read and to be
// written, and for whom. PROTOCOL.md, section 8, has the frames, package flow the credit. What a call is, and what its
// answer means, is for package mux.
//
// The connection's reader hands frames to a [Conn], which never waits: a peer that sends more than it has credit for
// breaks the protocol. It gathers what a read has brought and shows it to those who wait for it at once. Whoever sends
// leaves frames with the stream, of which the connection's Output takes some when it is the stream's turn.
package stream

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/flow"
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
)

// A Conn is what the streams of one connection share.
type Conn struct {
	out     *transport.Output
	own     *frame.Settings // what this side accepts
	receive int             // bytes that a message may have that comes
	send    int             // and one that goes
	limits  *rpc.Limits
	most    int // to which the window of a stream grows
	first   int // bytes that a stream may send before any credit; 0 where the peer speaks no streams
	segment int // bytes that a stream hands to the output at once

	// The reader's.
	arrived uint64
	seen    atomic.Uint64 // arrived at the last Publish, for others to look at
	changed []*Stream     // to which something has come that they do not know of
	dropped int           // bytes that came for nobody, since the last Publish
	path    flow.Path

	granted atomic.Uint64 // set with mu held

	mu       sync.Mutex
	receiver flow.Receiver

	claims claims
}

// Init sets what streams need to know, once both sides' settings are known. The messages of streams have at most so
// many bytes as both sides allow.
func (c *Conn) Init(out *transport.Output, own *frame.Settings, peer frame.Settings, limits *rpc.Limits,
	message int) {
	c.out, c.own, c.limits, c.most = out, own, limits, max(limits.Stream, own.Stream)
	c.claims.most = transport.BegunMessages * own.Message
	c.receive, c.send = own.Message, min(peer.Message, message)
	c.first = peer.Stream
	c.receiver.Init(own.Streams, own.Streams)
	c.granted.Store(c.receiver.Granted())
	c.segment = min(transport.StreamQuantum, peer.Streams/2)
	out.InitStreams(peer.Streams)
}

// Speaks reports whether the peer speaks streams.
func (c *Conn) Speaks() bool { return c.first > 0 }

// Item handles an ITEM that is no REST. s is nil where it is of no stream that anybody waits for.
func (c *Conn) Item(s *Stream, h frame.Header, body []byte) error {
	cost := frame.ItemCost(h.Flags, h.Length)
	if err := c.arrive(cost); err != nil {
		return err
	}
	if s == nil {
		c.dropped += cost
		return nil
	}
	return s.item(h, body, cost)
}

// Rest handles the header of an ITEM that is REST, whose body is still to be read.
func (c *Conn) Rest(s *Stream, h frame.Header, in *transport.Input) error {
	if h.Length == 0 || h.Flags&frame.FlagPieces != 0 {
		return frame.Faultf("a piece of %d bytes with flags %#02x behind the first of stream %#08x", h.Length, h.Flags,
			h.ID)
	}
	if err := c.arrive(h.Length); err != nil {
		return err
	}
	if s == nil {
		c.dropped += h.Length
		return in.Skip(h.Length)
	}
	return s.rest(h, in)
}

// arrive takes note of what an ITEM takes of the connection's credit.
func (c *Conn) arrive(cost int) error {
	c.arrived += uint64(cost)
	if c.arrived > c.granted.Load() {
		return frame.Faultf("%d bytes of streams, where there is credit for %d on the connection", c.arrived,
			c.granted.Load())
	}
	return nil
}

// Credit handles a CREDIT. s is nil where it is of no stream that anybody sends on.
func (c *Conn) Credit(s *Stream, h frame.Header, body []byte) error {
	offset, err := frame.ParseCredit(body)
	switch {
	case err != nil:
		return err
	case h.Flags&frame.FlagConnection != 0:
		c.out.CreditStreams(offset)
	case s != nil:
		s.credit(offset)
	}
	return nil
}

// Publish shows what has come to those who wait for it. The connection's reader calls it before it waits for more.
func (c *Conn) Publish() {
	if len(c.changed) > 0 {
		for i, s := range c.changed {
			s.changed = false
			s.publish(true)
			c.changed[i] = nil
		}
		c.changed = c.changed[:0]
	}
	if c.arrived != c.seen.Load() {
		c.seen.Store(c.arrived)
	}
	if c.dropped > 0 {
		n := c.dropped
		c.dropped = 0
		c.consume(n)
	}
}

// consume takes note that n bytes of the connection's credit can be given again, and does so when it is worth a frame.
// While messages wait for room what they hold leaves less of the window than it takes for that, so that any will do. No
// lock of a stream is held.
func (c *Conn) consume(n int) {
	tight := c.claims.waiting.Load()
	if n == 0 && !tight {
		return
	}
	c.mu.Lock()
	grant := c.receiver.Consumed(n, noTime) || tight && c.receiver.Raise(flow.Least)
	offset := c.receiver.Granted()
	c.granted.Store(offset)
	c.mu.Unlock()
	if grant {
		_ = c.out.Append(frame.AppendCredit(nil, frame.FlagConnection, 0, offset), false, nil)
	}
}

// noTime is for a window that does not grow.
func noTime() time.Time { return time.Time{} }
