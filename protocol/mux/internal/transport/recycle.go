package transport

import (
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// A recycler gives memory for large messages. Handlers and callers may keep what they are given, and parts of it, so
// nobody can hand it back: a finalizer tells when nobody has it any more, and keeps it for the next message. Fresh
// memory would cost page faults, and bring the garbage collector's next turn nearer by its size: without this an echo
// of a megabyte takes about 1.8 times as much processor time (docs/performance.md).
//
// Why no block is written to that somebody still reads:
//
//   - A block is the whole of one allocation by make, larger than what the runtime packs together, and is only ever
//     used through slices, strings and pointers into it, each of which keeps all of it alive. Nobody here holds it as a
//     number.
//   - The finalizer runs after the collector has found that none of these is left, so every read by whoever had one is
//     over before the collection ended. It gets the only reference, as its parameter, and runs once
//     (runtime.SetFinalizer).
//   - What goes on with a block starts from that reference: put keeps it in blocks, under mu; take removes it from
//     there, under mu; get sets the next finalizer before anybody else has the block.
//   - A receiver sees only the bytes that arrived for it: an [Assembly]'s slice ends where its message does, in length
//     and capacity, so that what an earlier message left in a block is not read by anybody.
//
// The race detector knows nothing of what the collector finds, and would call the first write of the next message a
// race with the last read of the one before. With it blocks are not used again but spoiled, where it does not look:
// everything else is the same, and a test that still reads a block which the finalizer was given reads nonsense.
type recycler struct {
	mu     sync.Mutex
	blocks [][]byte // the one that came last is taken first
	size   int      // of blocks, in bytes
	asked  bool     // since the timer was set
	timer  *time.Timer
}

// The limits of a recycler. It leaves smaller and larger blocks to the garbage collector.
const (
	recycleFrom  = shareFrom
	recycleUpTo  = 4 << 20
	recycleTotal = 32 << 20         // bytes that wait to be used again
	recycleTime  = 10 * time.Second // without a large message, and they are let go
)

// recycled has the memory of all connections.
var recycled recycler

// get returns n bytes whose values are anything.
func (r *recycler) get(n int) []byte {
	if n < recycleFrom || n > recycleUpTo {
		return make([]byte, n)
	}
	b := r.take(n)
	if b == nil {
		b = make([]byte, n)
	}
	size := len(b)
	runtime.SetFinalizer(unsafe.SliceData(b), func(p *byte) { r.put(unsafe.Slice(p, size)) })
	return b[:n:n]
}

// take returns a block of n bytes, or up to a quarter more, or nil if there is none.
func (r *recycler) take(n int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = true
	for i, b := range slices.Backward(r.blocks) {
		if len(b) >= n && len(b) <= n+n/4 {
			r.blocks = slices.Delete(r.blocks, i, i+1)
			r.size -= len(b)
			return b
		}
	}
	return nil
}

// put keeps a block, in place of the oldest ones if it has to.
func (r *recycler) put(b []byte) {
	if spoils {
		spoil(b)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocks = append(r.blocks, b)
	r.size += len(b)
	drop := 0
	for ; r.size > recycleTotal; drop++ {
		r.size -= len(r.blocks[drop])
	}
	r.blocks = slices.Delete(r.blocks, 0, drop)
	if r.timer == nil {
		r.timer = time.AfterFunc(recycleTime, r.expire)
	}
}

// expire lets all blocks go if nobody has asked for one lately.
func (r *recycler) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked {
		r.asked = false
		r.timer.Reset(recycleTime)
		return
	}
	r.blocks, r.size, r.timer = nil, 0, nil
}

// Memory returns n bytes for a large message whose receiver may keep them; what is in them is anything.
func Memory(n int) []byte { return recycled.get(n) }
