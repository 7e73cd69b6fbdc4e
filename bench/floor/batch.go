package floor

import (
	"io"
	"net"
)

// A batch gathers frames for one write. Large bodies are not copied into it, so they must not change until then.
type batch struct {
	small  []byte // headers and the bodies that are not large
	bodies []body // in ascending order of at
	list   net.Buffers
}

// A body is a large one, which belongs in front of small[at].
type body struct {
	at    int
	bytes []byte
}

func (b *batch) empty() bool { return len(b.small) == 0 }

func (b *batch) divide(id uint32, num1, num2 int32) {
	b.small = appendHeader(b.small, header{size: 8, id: id, op: opDivide})
	b.small = appendNumbers(b.small, num1, num2)
}

func (b *batch) quotient(id uint32, f float32) {
	b.small = appendHeader(b.small, header{size: 4, id: id, op: opDivide})
	b.small = appendFloat(b.small, f)
}

func (b *batch) echo(id uint32, payload []byte) {
	b.small = appendHeader(b.small, header{size: len(payload), id: id, op: opEcho})
	if len(payload) < large {
		b.small = append(b.small, payload...)
		return
	}
	b.bodies = append(b.bodies, body{at: len(b.small), bytes: payload})
}

// writeTo writes all of the batch and empties it.
func (b *batch) writeTo(w io.Writer) error {
	defer b.reset()
	if len(b.bodies) == 0 {
		_, err := w.Write(b.small)
		return err
	}
	start := 0
	b.list = b.list[:0]
	for _, body := range b.bodies {
		b.list = append(b.list, b.small[start:body.at], body.bytes)
		start = body.at
	}
	if start < len(b.small) {
		b.list = append(b.list, b.small[start:])
	}
	rest := b.list // WriteTo consumes it
	_, err := rest.WriteTo(w)
	return err
}

func (b *batch) reset() {
	b.small = b.small[:0]
	clear(b.bodies)
	b.bodies = b.bodies[:0]
	clear(b.list)
}
