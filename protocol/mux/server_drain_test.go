package mux

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
)

// A sink keeps how many bytes were written before it was closed.
type sink struct {
	net.Conn
	written int
	closed  bool
}

func (s *sink) Write(b []byte) (int, error) {
	if s.closed {
		return 0, net.ErrClosed
	}
	s.written += len(b)
	return len(b), nil
}
func (s *sink) Close() error                     { s.closed = true; return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// On a connection that writers, the reader's answer to a call in pieces is sent before anybody can find that nothing
// runs any more, and end the connection.
func TestDrainedAnswerGoesAheadOfTheEnd(t *testing.T) {
	t.Parallel()
	method := rpc.NewUnary[unencodable, unencodable](rpc.Method{Service: "test.Test", Name: "bad"})
	services := []*rpc.Service{rpc.NewService("test.Test", method.Handle(nil))}
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	nc := new(sink)
	c := &serverConn{server: NewServer(d), in: transport.NewInput(transport.NewConn(nc),
		&rpc.Limits{MessageTime: time.Hour}, []byte{0xff}), out: transport.NewOutput(transport.NewConn(nc), time.Hour)}
	c.begun.Init(&d.Limits.Limits)
	c.takeBuffers()
	c.drain.started.Store(true)
	c.drain.acked.Store(true)
	c.queue.conn = c
	pieces, err := transport.BeginAssembly(frame.Header{}, 2, []byte{0xff}, false)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := c.freeSlot(1)
	route := d.Routes()[0]
	s.Store(&serverCall{conn: c, slot: s, id: 1, method: &methodName{route: route}, call: route.NewCall(),
		pieces: &pieces})
	c.begun.Add(&pieces)
	c.countRunning(1)
	if lost, err := c.more(frame.Header{Type: frame.TypeMore, ID: 1, Length: 1}); lost || err != nil {
		t.Fatal(lost, err)
	}
	c.out.Wait()
	if nc.written <= frame.HeaderSize || !nc.closed {
		t.Errorf("%d bytes were sent before the connection's end: %v", nc.written, nc.closed)
	}
}
