package mux

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"
)

// Who reads a client's connection. Usually its reader does. While calls come one at a time, each caller reads its own
// answer instead, which saves waking it: the reader steps aside after a run of such calls, and comes back when there
// are several calls again, when nobody has called for a moment, and when the connection ends.
//
//	reader --stepAside--> free --a caller's wait--> caller
//	  ^                   | ^                          |
//	  +-- tick, another --+ +--- its answer is there --+
const (
	roleReader int32 = iota
	roleFree
	roleCaller
)

const (
	// loneCalls is how many calls in a row must be alone for the reader to step aside.
	loneCalls = 64
	// loneTick is how often it is checked that callers still read: nobody sees the connection end for twice as long at
	// most.
	loneTick = 5 * time.Millisecond
)

// A readerRole says who reads, and passes the role on.
type readerRole struct {
	// set by the reader that steps aside, and by callers and the timer that take it or give it back
	holder atomic.Int32
	aside  atomic.Bool   // the reader is asked to step aside; set by the caller that asks, cleared by the reader
	gone   chan struct{} // of capacity 1: tells who asked that it has
	back   chan struct{} // tells the reader to come back
	err    error         // why; set before back
	lone   atomic.Int32  // calls in a row that were alone; counted by callers, cleared by the reader as well
	uses   atomic.Uint32 // answers read by callers; counted by the caller that has the role
	seen   atomic.Uint32 // uses at the last tick; the timer's
	over   atomic.Bool   // no more ticks: the next caller gives the role back; set by the timer, cleared by the reader
	timer  *time.Timer
}

// errAside ends the reader's reading when it has been asked to step aside.
var errAside = errors.New("the reader steps aside")

// errPieces ends a caller's reading at a piece of a message.
var errPieces = errors.New("the reader reads pieces")

func (r *readerRole) begin() {
	r.gone, r.back = make(chan struct{}, 1), make(chan struct{}, 1)
}

// count takes note of a call, and makes the reader step aside after a run of calls that were alone.
func (c *Conn) count(alone bool) {
	r := &c.role
	switch {
	case !alone:
		if r.lone.Load() != 0 {
			r.lone.Store(0)
		}
	case r.holder.Load() == roleReader && r.lone.Add(1) == loneCalls:
		r.aside.Store(true)
		c.in.Conn().Kick()
		select {
		case <-r.gone:
		case <-c.reader:
		}
	}
}

// stepAside waits until the reader must read again. It returns why the connection has ended, if it has.
func (c *Conn) stepAside() error {
	r := &c.role
	r.aside.Store(false)
	r.over.Store(false)
	r.lone.Store(0)
	if r.timer == nil { // before anybody can tick
		r.timer = time.AfterFunc(math.MaxInt64, c.tick)
	}
	r.holder.Store(roleFree)
	r.timer.Reset(loneTick)
	r.gone <- struct{}{} // who asked waits for it, even if the role has come back already
	<-r.back
	return r.err
}

// toReader gives the role, which nobody has, to the reader.
func (c *Conn) toReader() {
	if c.role.holder.CompareAndSwap(roleFree, roleReader) {
		c.role.back <- struct{}{}
	}
}

// tick gives the role to the reader when no caller has read since the last tick.
func (c *Conn) tick() {
	r := &c.role
	if r.holder.Load() == roleReader {
		return
	}
	if uses := r.uses.Load(); uses != r.seen.Load() {
		r.seen.Store(uses)
		r.timer.Reset(loneTick)
		return
	}
	r.over.Store(true)
	c.toReader()
}

// awaitReading waits for p's answer while the reader is aside, and reads it if nobody else reads. One in pieces it
// leaves to the reader, for a deadline could not end a caller in the middle of a piece.
func (c *Conn) awaitReading(p *pending) {
	r := &c.role
	if r.holder.CompareAndSwap(roleFree, roleCaller) {
		read := false
		defer func() {
			if !read {
				c.forsake(p)
			}
		}()
		err := c.readFrames(p)
		read = true
		r.uses.Add(1)
		if err != nil {
			if err != errPieces {
				r.err = err
			}
			r.holder.Store(roleReader)
			r.back <- struct{}{}
		} else if r.holder.Store(roleFree); r.over.Load() || c.slots.concurrent() {
			c.toReader()
		}
	}
	<-p.done
}

// forsake leaves the role to the reader, and p's call, for the caller that had both is about to end: an unmarshaller
// has ended its goroutine.
func (c *Conn) forsake(p *pending) {
	c.role.holder.Store(roleReader)
	c.role.back <- struct{}{}
	if !c.abandon(p, stateWaiting) {
		<-p.done
		_ = c.finish(context.Background(), p)
	}
}
