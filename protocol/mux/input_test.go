package mux

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
		in := newInput(newTransport(nc), &rpc.Limits{MessageTime: time.Hour}, nil)
		kicked := make(chan struct{})
		go func() {
			defer close(kicked)
			in.transport.kick()
		}()
		for !in.transport.kicked.Load() {
			runtime.Gosched()
		}
		if err := in.fill(1, time.Time{}); err != errKicked {
			t.Fatal(err)
		}
		<-kicked
		if in.transport.kicked.Load() || !nc.deadline.IsZero() {
			t.Fatalf("after the kick the deadline is %v", nc.deadline)
		}
	}
}

// A caller that asks the reader to step aside is told so, even if the reader has been called back before it listens.
func TestReaderThatStepsAsideSaysSo(t *testing.T) {
	t.Parallel()
	var c Conn
	c.role.begin()
	back := make(chan error)
	go func() { back <- c.stepAside() }()
	for c.role.holder.Load() != roleFree {
		runtime.Gosched()
	}
	c.toReader()
	if err := <-back; err != nil {
		t.Error(err)
	}
	select {
	case <-c.role.gone:
	default:
		t.Error("who asked waits for ever")
	}
}
