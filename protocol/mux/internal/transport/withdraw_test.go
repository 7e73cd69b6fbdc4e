package transport

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
)

// A message withdrawn from a connection that is no socket does not interrupt the write, after which TLS would be
// broken: nobody else has its bytes.
func TestWithdrawFromNoSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		nc := &writeDeadlines{Conn: ours}
		o := NewOutput(NewConn(nc), time.Hour)
		m := &LargeMessage{first: frame.Header{Type: frame.TypeCall}, message: [][]byte{make([]byte, frame.MaxSize)},
			left: frame.MaxSize, unsent: frame.MaxSize}
		if err := o.AppendLarge(m); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if o.Withdraw(m) {
			t.Error("a message that has begun is called unsent")
		}
		if nc.interrupted {
			t.Error("the write is interrupted")
		}
		_ = theirs.Close()
		o.Wait()
	})
}

type writeDeadlines struct {
	net.Conn
	interrupted bool
}

func (c *writeDeadlines) SetWriteDeadline(t time.Time) error {
	c.interrupted = c.interrupted || t.Equal(time.Unix(1, 0))
	return c.Conn.SetWriteDeadline(t)
}

// A message whose last piece is being written from a copy, for another in the same write was withdrawn, may arrive
// whole.
func TestMessageInACopyIsNotIncomplete(t *testing.T) {
	t.Parallel()
	o := new(Output)
	m := &LargeMessage{unsent: 10, begun: true, writing: true}
	o.pieces = &pieceWrite{all: []piece{{of: m, n: 10}}}
	o.stopReadingLocked()
	if o.Incomplete(m) {
		t.Error("it is called incomplete")
	}
	nc, _ := net.Pipe()
	o.conn = NewConn(nc)
	o.releasePiecesLocked()
	if !o.Incomplete(m) {
		t.Error("after a write that failed it is not called incomplete")
	}
}

// A peer that reads slowly is not one that does not read: only the time without a byte counts.
func TestSlowReaderIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		o := NewOutput(NewConn(ours), 30*time.Second)
		if err := o.Append(make([]byte, 100_000), false, nil); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1000)
		for range 100 {
			time.Sleep(time.Second)
			if _, err := theirs.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
		o.Wait()
		start := time.Now()
		_ = o.Append(buf, false, nil)
		o.Wait()
		if took := time.Since(start); o.err == nil || took != 30*time.Second {
			t.Errorf("a peer that does not read is given up after %v: %v", took, o.err)
		}
	})
}
