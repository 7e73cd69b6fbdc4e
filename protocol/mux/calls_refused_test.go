package mux

import (
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"

	"testing"
	"time"
)

// Behind a GOAWAY no call is queued, large or small, but other frames are.
func TestOutputRefusesCalls(t *testing.T) {
	t.Parallel()
	o := newOutput(newTransport(new(sink)), time.Hour)
	o.refuseCalls()
	var end uint64
	if err := o.append([]byte("call"), false, &end); err != errNoCalls {
		t.Errorf("a call: %v", err)
	}
	if err := o.appendLarge(&largeMessage{first: frame.Header{Type: frame.TypeCall}}); err != errNoCalls {
		t.Errorf("a large call: %v", err)
	}
	if err := o.append([]byte("cancel"), false, nil); err != nil {
		t.Errorf("another frame: %v", err)
	}
	o.appendLastPong([]byte("draining"))
	o.writers.Wait()
	if written := o.transport.nc.(*sink).written; written != len("cancel")+frame.HeaderSize+len("draining") {
		t.Errorf("%d bytes are written", written)
	}
}
