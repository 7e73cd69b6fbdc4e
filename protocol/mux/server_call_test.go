package mux

import (
	"testing"
	"unsafe"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// An unencodable is a message that panics, or that says what is no UTF-8.
type unencodable struct{ panics bool }

func (*unencodable) Reset() {}
func (*unencodable) DecodeWire(d *wire.Decoder) {
	for d.Next() {
	}
}
func (m *unencodable) EncodeWire(e *wire.Encoder) {
	if m.panics {
		panic("boom")
	}
	e.PutString(1, "\xff")
}

// A batch that needs a larger buffer leaves the smaller one to others, whether or not the answer can be encoded.
func TestFailedAnswerIsInTheLargerBuffer(t *testing.T) {
	t.Parallel()
	m := rpc.NewUnary[unencodable, unencodable](rpc.Method{Service: "test.Test", Name: "any"})
	d, err := rpc.NewDispatcher([]*rpc.Service{rpc.NewService("test.Test", m.Handle(nil))}, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, panics := range []bool{false, true} {
		c := &serverConn{server: NewServer(d), out: transport.NewOutput(transport.NewConn(nil), 0)}
		c.answerSize.Store(transport.MediumBuffer / 2)
		small := make([]byte, transport.SmallBuffer-frame.HeaderSize, transport.SmallBuffer)
		c.readerBuffers = &readerBuffers{scratch: scratch{buf: small}}
		call := m.NewCall()
		call.Out.panics = panics
		c.answerFromReader(&serverCall{conn: c, slot: new(slot), method: &methodName{route: d.Routes()[0]},
			call: &call.Call}, nil, 0)
		b := c.scratch.buf
		if len(b) <= len(small) || cap(b) < transport.MediumBuffer || unsafe.SliceData(b) == unsafe.SliceData(small) {
			t.Errorf("with a panic, %v, it is answered in a buffer of %d bytes, which may be the one given back",
				panics, cap(b))
		}
	}
}
