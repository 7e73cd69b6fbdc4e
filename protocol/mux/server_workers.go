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
