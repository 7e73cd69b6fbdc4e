package mux

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/stream"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// The states of a pending call. Whoever moves it out of waiting ends the call; the others leave it alone.
//
//	free ----> waiting ----> delivered ----> free     the reader, or the connection's end, set err and woke the caller
//	              |
//	              +--------> expired ------> abandoned  the deadline passed: the caller has been woken, and gives up
//	              |             |
//	              |             +----------> answered   the answer came before the caller gave up
//	              +-----------------------> abandoned   the caller gave up: the slot is taken until the answer comes
const (
	stateFree uint64 = iota
	stateWaiting
	stateDelivered
	stateExpired
	stateAnswered
	stateAbandoned
)

// A pending is a slot of a client connection and the call in it. It belongs to its caller from take to release, except
// that the reader fills the call's result and err while it moves the state from waiting to delivered.
type pending struct {
	id    uint32        // of the call: generation and slot
	state atomic.Uint64 // id and state together, so that a late look at an earlier call changes nothing; set by
	// the caller that takes or releases the slot, and moved by whoever ends the call
	done chan struct{} // of capacity 1: the call is delivered or expired
	next atomic.Uint32 // while it is free: what slots.free holds below it; set by push

	call     *rpc.Call
	err      error        // set before done
	metadata rpc.Metadata // that came with the answer; set before done

	// The reader's alone, for a server may answer a call that was not sent yet, and which another goroutine ends.
	pieces  transport.Assembly // of an answer
	arrived rpc.Metadata       // with the first or only one

	expiry atomic.Int64 // nanoseconds since 1970, 0 for none; set by the caller before state is waiting
	enc    wire.Encoder // what the caller encodes with
	frame  []byte       // where it encodes to; kept from call to call while small
	end    uint64       // where its CALL ends in all that was queued; the output's
	large  *transport.LargeMessage
	stream *stream.Stream // of a call with one; set by the caller before state is waiting
	told   bool           // of such a call: the server has been sent CANCEL, or is about to be; the caller's
}

const stateBits = 8

// move changes the state of the call with the given id, if it is from.
func (p *pending) move(id uint32, from, to uint64) bool {
	return p.state.CompareAndSwap(uint64(id)<<stateBits|from, uint64(id)<<stateBits|to)
}

// now returns the id and the state.
func (p *pending) now() (id uint32, state uint64) {
	w := p.state.Load()
	return uint32(w >> stateBits), w & (1<<stateBits - 1)
}

const slotBits = 16

func slotOf(id uint32) int { return int(id & (1<<slotBits - 1)) }

// chunkSize is how many slots are made at once.
const chunkSize = 64

// slots are the calls of a client connection, by slot. Taking and giving back a slot takes no lock where one is free.
type slots struct {
	limit int // that the server set

	// a stack: the number of the slot used last, plus 1, and above 32 bits a count of changes; by pop and push
	free   atomic.Uint64
	taken  atomic.Int32 // calls from take to release; counted by callers and by who releases for one that gave up
	queued atomic.Int32 // waiters; changed with mu held
	closed atomic.Bool  // err is set; set with mu held

	mu      sync.Mutex
	waiters []chan *pending // callers waiting for a slot, the first first
	made    int
	err     error         // why no more slots are given out
	idle    chan struct{} // closed when err is set and no slot is taken

	chunks [frame.MaxCalls / chunkSize]atomic.Pointer[[chunkSize]pending] // set with mu held
}

// errFull says that a caller waited for a slot until its context ended.
var errFull = errors.New("every slot of the connection is taken")

// take returns a free slot, waiting for one until end or expiry if it must. It reports whether other calls are in
// flight.
func (s *slots) take(end <-chan struct{}, expiry time.Time) (p *pending, concurrent bool, err error) {
	concurrent = s.taken.Add(1) > 1
	if !s.closed.Load() {
		if p := s.pop(); p != nil {
			return p, concurrent, nil
		}
	}
	if p, err = s.makeOrWait(end, expiry); err != nil {
		s.leave()
	}
	return p, concurrent, err
}

// leave counts a call that has ended.
func (s *slots) leave() {
	if s.taken.Add(-1) == 0 && s.closed.Load() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closeIfIdleLocked()
	}
}

// pop takes the slot that was used last off the stack of free ones.
func (s *slots) pop() *pending {
	for {
		top := s.free.Load()
		if uint32(top) == 0 {
			return nil
		}
		p := s.at(int(uint32(top)) - 1)
		if s.free.CompareAndSwap(top, (top>>32+1)<<32|uint64(p.next.Load())) {
			return p
		}
	}
}

func (s *slots) push(p *pending) {
	for {
		top := s.free.Load()
		p.next.Store(uint32(top))
		if s.free.CompareAndSwap(top, (top>>32+1)<<32|uint64(slotOf(p.id)+1)) {
			return
		}
	}
}

func (s *slots) at(slot int) *pending { return &s.chunks[slot/chunkSize].Load()[slot%chunkSize] }

// makeOrWait returns a new slot or, where the server allows no more, the next one that becomes free.
func (s *slots) makeOrWait(end <-chan struct{}, expiry time.Time) (*pending, error) {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return nil, s.err
	}
	if s.made < s.limit {
		defer s.mu.Unlock()
		return s.makeLocked(), nil
	}
	wait := make(chan *pending, 1)
	s.waiters = append(s.waiters, wait)
	s.queued.Add(1)
	s.serveLocked() // a slot that became free before this caller was queued
	s.mu.Unlock()
	return s.wait(end, expiry, wait)
}

// serveLocked gives free slots to waiters.
func (s *slots) serveLocked() {
	for len(s.waiters) > 0 {
		p := s.pop()
		if p == nil {
			return
		}
		s.waiters[0] <- p
		s.waiters = s.waiters[1:]
		s.queued.Add(-1)
	}
}

func (s *slots) wait(end <-chan struct{}, expiry time.Time, wait chan *pending) (*pending, error) {
	var timeout <-chan time.Time
	if !expiry.IsZero() {
		timer := time.NewTimer(time.Until(expiry))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case p := <-wait:
		if p == nil {
			return nil, s.reason()
		}
		return p, nil
	case <-end:
	case <-timeout:
	}
	s.stopWaiting(wait)
	return nil, errFull
}

// stopWaiting takes a waiter out of the queue, or gives back the slot that it was just given.
func (s *slots) stopWaiting(wait chan *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiters, wait); i >= 0 {
		s.waiters = slices.Delete(s.waiters, i, i+1)
		s.queued.Add(-1)
		return
	}
	if p := <-wait; p != nil {
		s.push(p)
		s.serveLocked()
	}
}

func (s *slots) makeLocked() *pending {
	slot := s.made
	chunk := s.chunks[slot/chunkSize].Load()
	if chunk == nil {
		chunk = new([chunkSize]pending)
		s.chunks[slot/chunkSize].Store(chunk)
	}
	p := &chunk[slot%chunkSize]
	p.id = uint32(slot)
	p.done = make(chan struct{}, 1)
	s.made++
	return p
}

// find returns the slot of the call with the given id, or nil where that is not in flight.
func (s *slots) find(id uint32) *pending {
	slot := slotOf(id)
	chunk := s.chunks[slot/chunkSize].Load()
	if chunk == nil {
		return nil
	}
	p := &chunk[slot%chunkSize]
	now, state := p.now()
	if now != id || state != stateWaiting && state != stateExpired && state != stateAbandoned {
		return nil
	}
	return p
}

// release frees a slot for the next call.
func (s *slots) release(p *pending) {
	p.id += 1 << slotBits
	p.state.Store(uint64(p.id) << stateBits) // stateFree is 0
	p.call, p.err, p.metadata, p.large, p.stream = nil, nil, nil, nil, nil
	p.told = false
	if p.frame == nil || cap(p.frame) > transport.SmallBuffer {
		p.frame = nil
		p.enc.Reset(nil) // which has it, too
	}
	s.push(p)
	if s.queued.Load() > 0 {
		s.mu.Lock()
		s.serveLocked()
		s.mu.Unlock()
	}
	s.leave()
}

// close makes take return err from now on. Slots that are taken stay so until their calls end.
func (s *slots) close(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.closed.Store(true)
	for _, w := range s.waiters {
		w <- nil
	}
	s.queued.Add(int32(-len(s.waiters)))
	s.waiters = nil
	s.closeIfIdleLocked()
}

func (s *slots) closeIfIdleLocked() {
	if s.err == nil || s.taken.Load() > 0 {
		return
	}
	select {
	case <-s.idle:
	default:
		close(s.idle)
	}
}

func (s *slots) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// concurrent reports whether more than one slot is taken.
func (s *slots) concurrent() bool { return s.taken.Load() > 1 }

// all calls f with every call that has ever had a slot.
func (s *slots) all(f func(*pending)) {
	s.mu.Lock()
	made := s.made
	s.mu.Unlock()
	for slot := range made {
		f(s.at(slot))
	}
}
