package mux

import (
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// A recycler gives memory for large messages. Handlers and callers may keep what they are given, so nobody hands it
// back: a finalizer tells when nobody has it any more, and keeps it for the next message. Fresh memory would cost page
// faults, and bring the garbage collector's next turn nearer by its size.
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

// get returns n bytes, n > 0, whose values are anything.
func (r *recycler) get(n int) []byte {
	if n < recycleFrom || n > recycleUpTo || !recycles {
		return newBytes(n)
	}
	b := r.take(n)
	if b == nil {
		b = newBytes(n)
	}
	size := len(b)
	runtime.SetFinalizer(unsafe.SliceData(b), func(p *byte) { r.put(unsafe.Slice(p, size)) })
	return b[:n]
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
