package pipeline

import (
	"sync"
	"time"
)

// patience is how long the handlers of a batch may take before the connection is watched.
const patience = 5 * time.Millisecond

// A watch reads ahead on a server's connection while a handler runs for long, so that the handler's context ends when the
// peer goes away. At most one goroutine at a time reads from the connection: the watch while it is active, else the
// connection's own.
type watch struct {
	c     *serverConn
	timer *time.Timer

	mu     sync.Mutex
	busy   bool          // the connection's goroutine runs handlers
	active chan struct{} // closed when the watch's goroutine ends; nil while there is none
	ahead  []byte        // what it read
	err    error         // how its reading ended
}

func (w *watch) init(c *serverConn) { w.c = c }

// start is called before the first handler of a batch, stop after the last one.
func (w *watch) start() {
	w.mu.Lock()
	w.busy = true
	w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.AfterFunc(patience, w.run)
	} else {
		w.timer.Reset(patience)
	}
}

func (w *watch) stop() {
	w.timer.Stop()
	w.mu.Lock()
	w.busy = false
	w.mu.Unlock()
}

// run is the watch's goroutine. It ends when the handlers have ended and it has read something, when it has read enough, or when
// the connection ends.
func (w *watch) run() {
	w.mu.Lock()
	if !w.busy || w.active != nil || w.err != nil {
		w.mu.Unlock()
		return
	}
	w.active = make(chan struct{})
	w.mu.Unlock()
	defer w.deactivate()
	if w.c.flush() == nil {
		w.readAhead()
	}
}

func (w *watch) deactivate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.active)
	w.active = nil
}

func (w *watch) readAhead() {
	for w.wanted() {
		var buf [1 << 10]byte
		n, err := w.c.nc.Read(buf[:])
		w.mu.Lock()
		w.ahead = append(w.ahead, buf[:n]...)
		w.err = err
		w.mu.Unlock()
		if err != nil && !isTimeout(err) {
			w.c.end()
		}
	}
}

func (w *watch) wanted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy && w.err == nil && len(w.ahead) < largeBuffer
}

// read reads for the connection's goroutine: what the watch has read or is about to, or from the connection.
func (w *watch) read(buf []byte) (int, error) {
	for {
		w.mu.Lock()
		n, active, err := copy(buf, w.ahead), w.active, w.err
		w.ahead = w.ahead[n:]
		w.mu.Unlock()
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
