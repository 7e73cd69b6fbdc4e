package mux

import (
	"math"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/packing"
	"github.com/yodelrpc/yodel/rpc"
)

// Where a method's handler runs is learned from how long it takes. A handler that returns within about fastRun
// costs less on the connection's reader than its hand-over to a worker does; one that takes longer, or blocks, would
// hold up the calls behind it. So every method starts on workers, one run in 16 is timed there, and after enough fast
// ones in a row it runs on the reader; one slow run there sends it back. If that was soon, the method is slow now and
// then, and needs twice as many fast runs the next time; if it was late, the machine was busy.
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

// learned is what is known of one method. It is shared by all connections. Where two goroutines set a value at once one
// of them is lost, which costs a sample, no more.
type learned struct {
	inline atomic.Bool   // set by the worker that has seen enough fast runs, cleared by demote
	calls  atomic.Uint32 // counted by readers and workers, before they run its handler
	fast   atomic.Uint32 // fast samples in a row; counted and cleared by workers
	needed atomic.Uint32 // fast samples for the next promotion, 0 for fastNeeded; set by demote
	since  atomic.Uint32 // calls at the last promotion; set by the worker that promotes
	_      [64]byte      // methods do not share cache lines

	fixed   bool         // its answers are small by their type
	largest atomic.Int32 // answer ever, in bytes, 0 where there was none; set by whoever answers
	_       [64]byte
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

// demote sends the method back to workers. A reader calls it, or the watchdog.
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

// beginWith returns what is expected of the method's first answer on a connection.
func (l *learned) beginWith() int32 {
	switch largest := l.largest.Load(); {
	case l.fixed:
		return 1
	case largest == 0:
		return math.MinInt32 // nothing is known: the largest there can be
	case largest < largeAnswer:
		return -largeAnswer
	default:
		return largest
	}
}

// A methodName is what a method's number means on one connection, and what is known of its answers there.
type methodName struct {
	name  *string // the route's where it is the same, which all connections share
	route *rpc.Route
	err   *rpc.Error // where there is no such method
	// expected is the bytes of its next answer, by those before; where there were none, an assumption with its sign
	// changed. Whoever answers sets it.
	expected atomic.Int32
	packing  *packing.Method // of answers
}

// promises returns how many bytes to set aside for an answer while its handler runs: none if they are few, and at most
// as many as an answer takes.
func (m *methodName) promises(most int) int {
	switch n := int(m.expected.Load()); {
	case n < 0:
		return min(-n, most)
	case n <= smallAnswer:
		return 0
	default:
		return min(n, most)
	}
}

// answered takes note of an answer of n bytes. What is expected goes halfway up to a larger one, and down by an eighth
// of what a smaller one lacks, so that one large answer among many small ones does not count for long.
func (m *methodName) answered(l *learned, n int) {
	old := int(m.expected.Load())
	if n > int(l.largest.Load()) {
		l.largest.Store(int32(n))
	}
	switch {
	case old <= 0:
		m.expected.Store(int32(max(n, 1)))
	case n <= smallAnswer && old <= smallAnswer:
	case n > old:
		m.expected.Store(int32(old + (n-old+1)/2))
	default:
		m.expected.Store(int32(old - (old-n+7)/8))
	}
}

// largeAnswer is what is expected at least of a method's first answer on a new connection.
const largeAnswer = 1 << 20

// isFixed reports whether messages of a type take few bytes whatever their values.
func isFixed(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	case reflect.Struct:
		for i := range t.NumField() {
			if !isFixed(t.Field(i).Type) {
				return false
			}
		}
		return t.Size() <= smallAnswer/2
	}
	return false
}

const (
	watchEvery = time.Millisecond
	watchIdle  = 50 // looks without a handler on a reader, after which the watchdog ends
)

// A watchdog looks after readers that run handlers. A reader that is in the same handler at two looks is given up:
// another goroutine reads on, and the method goes back to workers. It runs only while readers run handlers.
type watchdog struct {
	mu      sync.Mutex
	conns   map[*serverConn]uint64 // those to look at, and their roles at the last look
	running bool
	closed  bool
	ended   sync.WaitGroup
}

// watch begins to look after c.
func (w *watchdog) watch(c *serverConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		w.conns = make(map[*serverConn]uint64)
	}
	w.conns[c] = 0
	if !w.running && !w.closed {
		w.running = true
		w.ended.Add(1)
		go w.run()
	}
}

func (w *watchdog) run() {
	defer w.ended.Done()
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for idle := 0; ; {
		<-ticker.C
		if w.look() {
			idle = 0
		} else if idle++; idle >= watchIdle && w.end() {
			return
		}
		if w.isClosed() {
			return
		}
	}
}

// look looks at every connection once, and reports whether any has run a handler on its reader since the last look.
func (w *watchdog) look() (active bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, before := range w.conns {
		role := c.role.Load()
		switch {
		case role != before:
			active = true
			w.conns[c] = role
		case role&roleInline != 0:
			c.takeOver(role)
		default:
			delete(w.conns, c)
			c.watched.Store(false)
			if c.role.Load() != role && c.watched.CompareAndSwap(false, true) { // it began meanwhile
				w.conns[c] = role
			}
		}
	}
	return active || len(w.conns) > 0
}

// end ends the watchdog if nothing has come meanwhile.
func (w *watchdog) end() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = len(w.conns) > 0
	return !w.running
}

func (w *watchdog) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

func (w *watchdog) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.ended.Wait()
}
