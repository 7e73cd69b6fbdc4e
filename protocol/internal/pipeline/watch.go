package pipeline

import (
	"sync"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/peerend"
)

// watchAfter is how long the handlers of a batch may run before the connection is watched.
const watchAfter = 5 * time.Millisecond

// A watch reads ahead on a server's connection while a handler runs for long, so that the handler's context ends when
// the peer goes away. Behind what it may read the end is still seen, where the system tells of it (package peerend). At
// most one goroutine at a time reads from the connection: the watch while it is active, else the connection's own.
type watch struct {
	c     *serverConn
	timer *time.Timer

	mu     sync.Mutex
	busy   bool          // the connection's goroutine runs handlers
	active chan struct{} // closed when the watch's goroutine ends; nil while there is none
	ahead  []byte        // what it read
	err    error         // how the connection ended while it read
}

func (w *watch) init(c *serverConn) { w.c = c }

// start is called before the first handler of a batch, stop after the last one.
func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = true
	if w.timer == nil {
		w.timer = time.AfterFunc(watchAfter, w.run)
	} else {
		w.timer.Reset(watchAfter)
	}
}

func (w *watch) stop() {
	w.timer.Stop()
	w.mu.Lock()
	w.busy = false
	w.mu.Unlock()
}

// run is the watch's goroutine. It ends when the handlers have ended and it has read something, when it has read
// enough, or when the connection ends. When it has read enough it only looks whether the connection has ended, and
// comes again.
func (w *watch) run() {
	w.mu.Lock()
	if !w.busy || w.active != nil || w.err != nil {
		w.mu.Unlock()
		return
	}
	w.active = make(chan struct{})
	w.mu.Unlock()
	defer w.deactivate()
	if w.c.flush() != nil {
		return
	}
	if w.readAhead(); !w.full() {
		return
	}
	if peerend.Reached(w.c.nc) {
		w.c.end()
	} else {
		w.timer.Reset(peerend.Every)
	}
}

func (w *watch) deactivate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.active)
	w.active = nil
}

// readAhead reads until it is no longer wanted, or until the deadline that a waiting reader has set.
func (w *watch) readAhead() {
	for w.wanted() {
		var buf [4 << 10]byte
		n, err := w.c.nc.Read(buf[:])
		if !w.got(buf[:n], err) {
			return
		}
	}
}

func (w *watch) wanted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy && len(w.ahead) < w.c.maxAhead()
}

// full reports whether handlers still run, and as much is read ahead as may be.
func (w *watch) full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy && w.err == nil && len(w.ahead) >= w.c.maxAhead()
}

// got keeps what a read returned, and reports whether there may be more.
func (w *watch) got(b []byte, err error) bool {
	w.mu.Lock()
	w.ahead = append(w.ahead, b...)
	if err != nil && !isTimeout(err) {
		w.err = err
	}
	ended := w.err != nil
	w.mu.Unlock()
	if ended {
		w.c.end()
	}
	return err == nil
}

// read reads for the connection's goroutine: what the watch has read or is about to, or from the connection.
func (w *watch) read(buf []byte) (int, error) {
	for {
		n, active, err := w.take(buf)
		switch {
		case n > 0:
			return n, nil
		case active != nil:
			<-active
		case err != nil:
			return 0, err
		default:
			return w.c.nc.Read(buf)
		}
	}
}

// take returns how much of what was read ahead it copied to buf, and otherwise the end of the watch's goroutine to wait
// for, or the error that ended its reading.
func (w *watch) take(buf []byte) (n int, active <-chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = copy(buf, w.ahead)
	if w.ahead = w.ahead[n:]; len(w.ahead) == 0 {
		w.ahead = nil
	}
	return n, w.active, w.err
}

// close waits for the watch's goroutine, after the connection was closed.
func (w *watch) close() {
	w.mu.Lock()
	w.busy = false
	active := w.active
	w.mu.Unlock()
	if active != nil {
		<-active
	}
}
