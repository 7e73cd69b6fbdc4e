package web

import "github.com/yodelrpc/yodel/internal/peerend"

// A watch waits for the peer's end while a handler runs. net/http reads one byte ahead and notices the end if that is what
// comes. Where it is the beginning of another request instead, nobody reads any more, and a watch goes on.
type watch struct {
	stopping bool          // guarded by the connection's mu
	done     chan struct{} // closed when it has ended
}

// startWatch begins one if a handler runs. It is called after a read of a single byte, as that of net/http is. (Where it was
// another, which had room for one byte alone, the next read ends the watch.)
func (c *serverConn) startWatch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != active || c.http2 {
		return
	}
	w := &watch{done: make(chan struct{})}
	c.watch = w
	go func() {
		defer close(w.done)
		if peerend.Await(c.Conn) {
			c.cancelRequests()
		}
	}()
}

// stopWatch is called before whatever reads, for one at a time may.
func (c *serverConn) stopWatch() {
	c.mu.Lock()
	w := c.watch
	if w == nil {
		c.mu.Unlock()
		return
	}
	w.stopping = true
	_ = c.setReadDeadlineLocked()
	c.mu.Unlock()
	<-w.done
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = nil
	_ = c.setReadDeadlineLocked()
}

func (c *serverConn) cancelRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r := range c.requests {
		r.cancel()
	}
}
