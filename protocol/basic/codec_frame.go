package basic

import (
	"fmt"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A frame measures a message whose bytes may not all be there yet.
type frame struct {
	buf []byte
	n   uint64 // bytes known to belong to the message
}

// skip adds n bytes, which need not be there.
func (f *frame) skip(n int) { f.n += uint64(n) }

// byte returns the next byte.
func (f *frame) byte() (b byte, ok bool) {
	if f.n >= uint64(len(f.buf)) {
		return 0, false
	}
	f.n++
	return f.buf[f.n-1], true
}

// length returns the next four bytes as a length, and adds them and as many bytes as they say.
func (f *frame) length() (n uint32, ok bool) {
	if f.n+4 > uint64(len(f.buf)) {
		return 0, false
	}
	n = order.Uint32(f.buf[f.n:])
	f.n += 4 + uint64(n)
	return n, true
}

// end returns the message's length if all of it is there, else 0.
func (f *frame) end() int {
	if f.n > uint64(len(f.buf)) {
		return 0
	}
	return int(f.n)
}

// frameRequest returns the length of the request that buf begins with, or 0 if bytes are missing.
func frameRequest(buf []byte, limits rpc.Limits) (int, *rpc.Error) {
	f := frame{buf: buf}
	if n, ok := f.length(); !ok {
		return 0, nil
	} else if uint64(n) > uint64(limits.Name) {
		return 0, rpc.Errorf(rpc.ResourceExhausted, "the method's name has %d bytes; the limit is %d", n, limits.Name)
	}
	if n, ok := f.length(); !ok {
		return 0, nil
	} else if uint64(n) > uint64(limits.Message) {
		return 0, rpc.Errorf(rpc.ResourceExhausted, "the arguments have %d bytes; the limit is %d", n, limits.Message)
	}
	return f.end(), nil
}

// frameAnswer is frameRequest for the answer to a call of m.
func (m *method) frameAnswer(buf []byte, limit int) (int, *rpc.Error) {
	f := frame{buf: buf}
	status, ok := f.byte()
	if !ok {
		return 0, nil
	}
	switch i := int(status) - statusFirstException; {
	case status == statusResult:
		ok = m.result == nil || f.result(m.result)
	case status == statusSystem:
		_, ok = f.length()
	case i >= 0 && i < len(m.exceptions):
		if _, ok = f.length(); ok && len(m.exceptions[i].Rest) > 0 {
			_, ok = f.length()
		}
	default:
		return 0, rpc.Errorf(rpc.Internal,
			"the answer begins with the byte %d, and answers of %s with %s: the server speaks "+
				"another protocol, or has another definition", status, m.Name, m.statuses())
	}
	if f.n > uint64(limit) {
		return 0, rpc.Errorf(rpc.ResourceExhausted,
			"the answer has %d bytes; the limit is %d: raise Limits.Message, unless "+
				"the server speaks another protocol", f.n, limit)
	}
	if !ok {
		return 0, nil
	}
	return f.end(), nil
}

// statuses lists the bytes that answers begin with.
func (m *method) statuses() string {
	switch last := statusFirstException + len(m.exceptions) - 1; len(m.exceptions) {
	case 0:
		return fmt.Sprintf("%d or %d", statusResult, statusSystem)
	case 1:
		return fmt.Sprintf("%d, %d or %d", statusResult, last, statusSystem)
	default:
		return fmt.Sprintf("%d, %d to %d or %d", statusResult, statusFirstException, last, statusSystem)
	}
}

// result adds a result, and reports whether its length is known.
func (f *frame) result(r *wire.Field) bool {
	if r.Optional {
		if there, ok := f.byte(); !ok || there == 0 {
			return ok
		}
	}
	switch r.Kind {
	case wire.KindBool:
		f.skip(1)
	case wire.KindInt32, wire.KindUint32, wire.KindFloat32, wire.KindEnum:
		f.skip(4)
	case wire.KindInt64, wire.KindUint64, wire.KindFloat64, wire.KindDuration:
		f.skip(8)
	case wire.KindTimestamp:
		f.skip(12)
	default:
		_, ok := f.length()
		return ok
	}
	return true
}
