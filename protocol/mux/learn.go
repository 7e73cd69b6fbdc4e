package mux

import (
	"sync/atomic"
	"time"
)

// Where a method's handler runs is learned from how long it takes. A handler that returns within about 2 us costs less
// on the connection's reader than its hand-over to a worker does; one that takes longer, or blocks, would hold up the
// calls behind it. So every method starts on workers, one run in 16 is timed there, and after enough fast ones in a row
// it runs on the reader; one slow run there sends it back. If that was soon, the method is slow now and then, and needs
// twice as many fast runs the next time; if it was late, the machine was busy.
const (
	sampleEvery = 16
	fastRun     = 5 * time.Microsecond
	slowRun     = 50 * time.Microsecond
	fastNeeded  = 32
	maxNeeded   = 1 << 16
	lateRuns    = 1 << 13
	// inlineBatch bounds how long answers wait while a reader runs handlers.
	inlineBatch = 20 * time.Microsecond
)

// learned is what is known of one method.
type learned struct {
	inline atomic.Bool
	calls  atomic.Uint32
	fast   atomic.Uint32 // samples in a row
	needed atomic.Uint32 // fast samples for the next promotion; 0 means fastNeeded
	since  atomic.Uint32 // calls at the last promotion
	_      [64]byte      // methods do not share cache lines
}

// sample reports whether the next run is to be timed.
func (l *learned) sample() bool { return l.calls.Add(1)%sampleEvery == 0 }

// ranOnWorker takes note of a timed run.
func (l *learned) ranOnWorker(d time.Duration) {
	if d > fastRun {
		l.fast.Store(0)
		return
	}
	if l.fast.Add(1) >= max(l.needed.Load(), fastNeeded) {
		l.fast.Store(0)
		l.since.Store(l.calls.Load())
		l.inline.Store(true)
	}
}

// ranOnReader takes note of a run on the reader.
func (l *learned) ranOnReader(d time.Duration) {
	if d > slowRun {
		l.demote()
	}
}

// demote sends the method back to workers.
func (l *learned) demote() {
	if !l.inline.CompareAndSwap(true, false) {
		return
	}
	needed := uint32(fastNeeded)
	if l.calls.Load()-l.since.Load() < lateRuns {
		needed = min(2*max(l.needed.Load(), fastNeeded), maxNeeded)
	}
	l.needed.Store(needed)
}
