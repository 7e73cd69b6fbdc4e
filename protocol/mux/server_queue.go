package mux

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/peerend"
)

// A queue holds the calls of one connection that wait for a worker. Workers take one call at a time, so a handler that
// blocks holds up no other. One worker at most is on its way to a queue: it wakes the next when it arrives and finds
// more than one call, so a burst of short calls costs one wake-up or two, and a burst of long ones gets a worker each.
//
// It is also what bounds the answers that a connection holds, [rpc.Limits].Answers, since only a handler that has not
// begun can be kept from answering. Nothing begins while as many bytes of answers are unread. A call whose answer is
// expected to be large, or of which nothing is known, waits aside while those that run have promised to fill what is
// left.
type queue struct {
	conn *serverConn

	mu      sync.Mutex
	woken   bool        // a worker is on its way
	over    bool        // the connection ends or has ended: all that waits is taken at once, and not run
	serial  bool        // one worker at a time: it is on its way until there are no calls left
	allowed bool        // one of those aside may begin although its answer may find no room; set by allow
	crowded atomic.Bool // the arguments of all that wait are too many bytes; changed with mu held
	calls   []*serverCall
	head    int

	aside    []*serverCall // that wait for answers of others
	promised int           // bytes that the answers of running calls may take, those of small ones aside
	patience *time.Timer   // until allowed is set

	waiting int           // bytes of the arguments of all that wait
	room    chan struct{} // of capacity 1, nil until it is needed: tells the reader that these are not crowded any more
}

const (
	// smallAnswer is up to which size answers are not accounted for while their handlers run.
	smallAnswer = 1 << 10
	// callOverhead is what a call that waits counts for beside its arguments.
	callOverhead = 256

	// A call that waits aside for others' answers begins all the same after a time: those may wait for it.
	unknownPatience = 100 * time.Millisecond // where its answer's size is not known
	largePatience   = time.Second            // where it is
)

// push adds a call and reports whether a worker must be woken.
func (q *queue) push(sc *serverCall) (wake bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, sc)
	q.waiting += int(sc.size)
	if q.waiting > q.conn.server.own.Message {
		q.crowded.Store(true)
	}
	wake = !q.woken
	q.woken = true
	return wake
}

// pop takes a call, nil when none can begin, and reports whether another worker must be woken for those that are left.
func (q *queue) pop(arriving bool) (sc *serverCall, wake bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if arriving && !q.serial {
		q.woken = false
	}
	if sc = q.takeLocked(); sc == nil {
		q.woken = q.woken && !q.serial
		if q.head == len(q.calls) {
			q.calls, q.head = q.calls[:0], 0
			if cap(q.calls) > maxIdle {
				q.calls = nil
			}
		}
		return nil, false
	}
	if !q.woken && q.anyLocked() {
		q.woken, wake = true, true
	}
	return sc, wake
}

// takeLocked returns the next call that can begin, or nil.
func (q *queue) takeLocked() *serverCall {
	if q.conn.out.Full() && !q.over {
		return nil
	}
	if len(q.aside) > 0 && (q.allowed || q.over || q.hasRoomLocked()) {
		sc := q.aside[0]
		q.aside[0] = nil
		q.aside = q.aside[1:]
		q.allowed = false
		q.waitLocked()
		q.promiseLocked(sc, sc.method.promises(q.conn.largestAnswer()))
		return sc
	}
	for q.head < len(q.calls) {
		sc := q.calls[q.head]
		q.calls[q.head] = nil
		q.head++
		n := sc.method.promises(q.conn.largestAnswer())
		if n == 0 || q.over || q.hasRoomLocked() {
			q.promiseLocked(sc, n)
			return sc
		}
		if q.aside = append(q.aside, sc); len(q.aside) == 1 {
			q.waitLocked()
		}
	}
	return nil
}

// anyLocked reports whether a worker would find a call that can begin.
func (q *queue) anyLocked() bool {
	switch {
	case q.over:
		return q.head < len(q.calls) || len(q.aside) > 0
	case q.conn.out.Full():
		return false
	}
	return q.head < len(q.calls) || len(q.aside) > 0 && (q.allowed || q.hasRoomLocked())
}

// hasRoomLocked reports whether what is unread and promised leaves room for a large answer.
func (q *queue) hasRoomLocked() bool {
	return q.promised == 0 || q.promised+q.conn.out.Unread() < q.conn.out.Limit()
}

// largestAnswer is what an answer takes at most.
func (c *serverConn) largestAnswer() int {
	return min(c.server.own.Message, int(c.peerMessage), c.out.Limit())
}

// promiseLocked takes note that sc begins, whose answer may take n bytes.
func (q *queue) promiseLocked(sc *serverCall, n int) {
	q.waiting -= int(sc.size)
	sc.size = int32(n)
	q.promised += n
	if q.waiting <= q.conn.server.own.Message && q.crowded.Load() {
		q.crowded.Store(false)
		select {
		case q.room <- struct{}{}:
		default:
		}
	}
}

// keep takes note that the answer of sc has been queued, so that no more is promised for it. The worker that says so
// looks for its next call anyway.
func (q *queue) keep(sc *serverCall) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.promised -= int(sc.size)
}

// wakeLocked reports whether a worker must be woken, for something has changed that calls may have waited for.
func (q *queue) wakeLocked() bool {
	if q.woken || !q.anyLocked() {
		return false
	}
	q.woken = true
	return true
}

// resume wakes a worker, if there is something for it, when the client has read.
func (q *queue) resume() {
	q.mu.Lock()
	wake := q.wakeLocked()
	q.mu.Unlock()
	if wake {
		q.conn.server.workers.wake(q.conn)
	}
}

// len returns how many calls wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.calls) - q.head + len(q.aside)
}

// end lets all that waits be taken: the connection has ended, and their contexts with it, or the server shuts down and
// refuses them.
func (q *queue) end() {
	q.mu.Lock()
	q.over = true
	if q.patience != nil {
		q.patience.Stop()
	}
	wake := !q.woken && (q.head < len(q.calls) || len(q.aside) > 0)
	q.woken = q.woken || wake
	q.mu.Unlock()
	if wake {
		q.conn.server.workers.wake(q.conn)
	}
}

// waitLocked gives the first of those aside its time.
func (q *queue) waitLocked() {
	q.conn.out.NotifyEveryWrite(len(q.aside) > 0 && !q.over)
	if len(q.aside) == 0 || q.over {
		return
	}
	patience := largePatience
	if q.aside[0].method.expected.Load() <= 0 {
		patience = unknownPatience
	}
	if q.patience == nil {
		q.patience = time.AfterFunc(patience, q.allow)
		return
	}
	q.patience.Reset(patience)
}

// allow lets one of those aside begin.
func (q *queue) allow() {
	q.mu.Lock()
	q.allowed = len(q.aside) > 0
	q.mu.Unlock()
	q.resume()
}

// awaitRoom makes the channel that hold waits for, which few connections need.
func (q *queue) awaitRoom() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.room == nil {
		q.room = make(chan struct{}, 1)
	}
}

// hold makes the reader wait while the calls that it has read and that cannot begin take too much memory. It looks for
// the end of the client meanwhile, and sends a frame at each look: the client sees that the server is there, and the
// system answers for one that is not, though its end stands behind bytes for which there is no room here.
func (c *serverConn) hold() error {
	c.queue.awaitRoom()
	look := time.NewTicker(peerend.Every)
	defer look.Stop()
	for c.queue.crowded.Load() {
		select {
		case <-c.queue.room:
			continue
		case <-look.C:
		}
		if peerend.Reached(c.in.Conn().NetConn()) {
			return io.EOF
		}
		if err := c.out.Beat(); err != nil {
			return err
		}
	}
	return nil
}

// maxIdle is how many workers wait for work with their stacks warm.
const maxIdle = 64

// workers are the goroutines that run handlers.
type workers struct {
	mu     sync.Mutex
	idle   []chan *serverConn // the one that ran last is taken first
	closed bool
	all    sync.WaitGroup
}

func newWorkers() *workers { return new(workers) }

// wake makes a worker look at c's queue.
func (w *workers) wake(c *serverConn) {
	w.mu.Lock()
	if n := len(w.idle); n > 0 {
		worker := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		worker <- c
		return
	}
	w.all.Add(1)
	w.mu.Unlock()
	go w.work(c)
}

// work is a worker: it empties one queue after another. Where a handler ends its goroutine, another goes on with the
// queue.
func (w *workers) work(c *serverConn) {
	defer w.all.Done()
	work := make(chan *serverConn, 1)
	var s scratch
	running := true
	defer func() {
		if running {
			w.all.Add(1)
			go w.work(c)
		}
	}()
	for c != nil {
		c.runQueue(&s)
		if !w.park(work) {
			break
		}
		c = nil // an idle worker keeps nothing of a connection that may be gone
		c = <-work
	}
	running = false
}

// park makes a worker one of the idle ones, unless there are enough.
func (w *workers) park(work chan *serverConn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.idle) >= maxIdle {
		return false
	}
	w.idle = append(w.idle, work)
	return true
}

// close ends the workers. Nobody calls wake any more.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	for _, worker := range w.idle {
		worker <- nil
	}
	w.idle = nil
	w.mu.Unlock()
	w.all.Wait()
}
