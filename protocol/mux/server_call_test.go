package mux

import (
	"testing"
	"unsafe"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// An unencodable is a message that panics, or that says what is no UTF-8.
type unencodable struct{ panics bool }

func (unencodable) Reset() {}
func (unencodable) DecodeWire(d *wire.Decoder) {
	for d.Next() {
	}
}
func (m unencodable) EncodeWire(e *wire.Encoder) {
	if m.panics {
		panic("boom")
	}
	e.PutString(1, "\xff")
}

// A batch that needs a larger buffer leaves the smaller one to others, whether or not the answer can be encoded.
func TestFailedAnswerIsInTheLargerBuffer(t *testing.T) {
	t.Parallel()
	for _, message := range []unencodable{{panics: false}, {panics: true}} {
		c := &serverConn{server: new(Server), out: new(output)}
		c.answerSize.Store(mediumBuffer / 2)
		small := make([]byte, smallBuffer-headerSize, smallBuffer)
		sc := &serverCall{conn: c, call: &rpc.Call{Result: message}}
		b, large := sc.encode(small, new(wire.Encoder), nil, 0)
		if large != nil || len(b) <= len(small) || cap(b) < mediumBuffer || unsafe.SliceData(b) == unsafe.SliceData(small) {
			t.Errorf("%+v is answered in a buffer of %d bytes, which may be the one given back", message, cap(b))
		}
	}
}
