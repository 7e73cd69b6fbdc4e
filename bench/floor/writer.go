package floor

import (
	"net"
	"runtime"
	"sync"
)

// A writer combines the frames of many goroutines: whoever finds nobody writing writes for all.
type writer struct {
	conn net.Conn

	mu      sync.Mutex
	pending *batch
	spare   *batch
	writing bool
	err     error
}

func newWriter(c net.Conn) *writer { return &writer{conn: c, pending: new(batch), spare: new(batch)} }

func (w *writer) divide(id uint32, num1, num2 int32) error {
	w.mu.Lock()
	w.pending.divide(id, num1, num2)
	return w.flushLocked()
}

func (w *writer) quotient(id uint32, f float32) error {
	w.mu.Lock()
	w.pending.quotient(id, f)
	return w.flushLocked()
}

func (w *writer) echo(id uint32, payload []byte) error {
	w.mu.Lock()
	w.pending.echo(id, payload)
	return w.flushLocked()
}

// flushLocked sees to it that what is pending gets written, and unlocks w.
func (w *writer) flushLocked() error {
	if w.writing {
		err := w.err
		w.mu.Unlock()
		return err
	}
	w.writing = true
	w.mu.Unlock()
	runtime.Gosched() // lets the others add theirs

	w.mu.Lock()
	for !w.pending.empty() && w.err == nil {
		out := w.pending
		w.pending = w.spare
		w.mu.Unlock()
		err := out.writeTo(w.conn)
		w.mu.Lock()
		w.spare, w.err = out, err
	}
	w.writing = false
	err := w.err
	w.mu.Unlock()
	return err
}
