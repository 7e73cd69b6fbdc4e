package mux

import (
	"sync"
	"time"
)

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
