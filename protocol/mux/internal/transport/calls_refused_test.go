package transport

import (
	"net"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
)

// A sink counts the bytes that are written.
type sink struct {
	net.Conn
	written int
}

func (s *sink) Write(b []byte) (int, error) {
	s.written += len(b)
	return len(b), nil
}

func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// Behind a GOAWAY no call is queued, large or small, but other frames are.
func TestOutputRefusesCalls(t *testing.T) {
	t.Parallel()
	o := NewOutput(NewConn(new(sink)), time.Hour)
	o.RefuseCalls()
	var end uint64
	if err := o.Append([]byte("call"), false, &end); err != errNoCalls {
		t.Errorf("a call: %v", err)
	}
	if err := o.AppendLarge(&LargeMessage{first: frame.Header{Type: frame.TypeCall}}); err != errNoCalls {
		t.Errorf("a large call: %v", err)
	}
	if err := o.Append([]byte("cancel"), false, nil); err != nil {
		t.Errorf("another frame: %v", err)
	}
	o.AppendLastPong([]byte("draining"))
	o.Wait()
	if written := o.conn.nc.(*sink).written; written != len("cancel")+frame.HeaderSize+len("draining") {
		t.Errorf("%d bytes are written", written)
	}
}
