package mux

import "sync"

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

// work is a worker: it empties one queue after another. Where a handler ends its goroutine, another goes on with the queue.
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

// A queue holds the calls of one connection that wait for a worker. Workers take one call at a time, so a handler that blocks holds
// up no other. One worker at most is on its way to a queue: it wakes the next when it arrives and finds more than one
// call, so a burst of short calls costs one wake-up or two, and a burst of long ones gets a worker each.
type queue struct {
	mu    sync.Mutex
	calls []*serverCall
	head  int
	woken bool // a worker is on its way

	serial bool // one worker at a time: it is on its way until there are no calls left
}

// push adds a call and reports whether a worker must be woken.
func (q *queue) push(sc *serverCall) (wake bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, sc)
	wake = !q.woken
	q.woken = true
	return wake
}

// pop takes a call, nil when there is none, and reports whether another worker must be woken for those that are left.
func (q *queue) pop(arriving bool) (sc *serverCall, wake bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if arriving && !q.serial {
		q.woken = false
	}
	if q.head == len(q.calls) {
		q.woken = q.woken && !q.serial
		q.calls, q.head = q.calls[:0], 0
		if cap(q.calls) > maxIdle {
			q.calls = nil
		}
		return nil, false
	}
	sc = q.calls[q.head]
	q.calls[q.head] = nil
	q.head++
	if q.head < len(q.calls) && !q.woken {
		q.woken, wake = true, true
	}
	return sc, wake
}
