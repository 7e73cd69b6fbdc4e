package transport

import (
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A deadlineConn never has anything to read, and keeps its deadline.
type deadlineConn struct {
	net.Conn
	mu       sync.Mutex
	deadline time.Time
}

func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		for range 1000 { // give the other side every chance
			runtime.Gosched()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

// A kick that comes before a read ends that one only, however late its deadline is set.
func TestKickEndsOneRead(t *testing.T) {
	t.Parallel()
	for range 100 {
		nc := new(deadlineConn)
		in := NewInput(NewConn(nc), &rpc.Limits{MessageTime: time.Hour}, nil)
		kicked := make(chan struct{})
		go func() {
			defer close(kicked)
			in.conn.Kick()
		}()
		for !in.conn.kicked.Load() {
			runtime.Gosched()
		}
		if err := in.Fill(1, time.Time{}); err != ErrKicked {
			t.Fatal(err)
		}
		<-kicked
		if in.conn.kicked.Load() || !nc.deadline.IsZero() {
			t.Fatalf("after the kick the deadline is %v", nc.deadline)
		}
	}
}
