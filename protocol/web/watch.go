package web

import (
	"errors"
	"os"

	"github.com/yodelrpc/yodel/protocol/internal/peerend"
)

// A watch waits for the peer's end while a handler runs. net/http reads one byte ahead and notices the end if that is
// what comes. Where it is the beginning of another request instead, net/http reads no more, and a watch goes on: it
// reads ahead what one message may have, for the end arrives only behind all that there is room for. Behind that it
// still sees the end where the system tells of it (package peerend).
type watch struct {
	stopping bool          // guarded by the connection's mu
	done     chan struct{} // closed when it has ended
}

// startWatch begins one if a handler runs. It is called after a read of a single byte, as that of net/http is. (Where
// it was another, which had room for one byte alone, the next read ends the watch.)
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
		if c.readAhead() || peerend.Await(c.Conn) {
			c.cancelRequests()
		}
	}()
}

// readAhead reads until there is as much as may be, or the connection ends, which it reports. The next read, which is
// net/http's, meets the same end.
func (c *serverConn) readAhead() (ended bool) {
	var buf [4 << 10]byte
	for len(c.head) < c.limits.Message {
		n, err := c.Conn.Read(buf[:min(len(buf), c.limits.Message-len(c.head))])
		c.head = append(c.head, buf[:n]...)
		if err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
	return false
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
