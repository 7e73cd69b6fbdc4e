package floor

import (
	"bufio"
	"io"
	"net"

	"github.com/yodelrpc/yodel/bench/system"
)

// serveInline runs handlers where it reads and writes the replies when it has handled all that it has read.
func serveInline(c net.Conn, h system.Handler) {
	defer c.Close()
	in := &inline{reader: bufio.NewReaderSize(c, bufferSize), handler: h}
	for {
		if err := in.handle(); err != nil {
			return
		}
		if in.reader.Buffered() > 0 && len(in.out.bodies) == 0 {
			continue
		}
		if err := in.out.writeTo(c); err != nil {
			return
		}
	}
}

type inline struct {
	reader  *bufio.Reader
	handler system.Handler
	out     batch
	scratch []byte // for a large body, until it is written
}

func (in *inline) handle() error {
	h, err := readHeader(in.reader)
	if err != nil {
		return err
	}
	if h.size >= large {
		return in.handleLarge(h)
	}
	body, err := in.reader.Peek(h.size)
	if err != nil {
		return err
	}
	if h.op == opDivide {
		in.out.quotient(h.id, in.handler.Divide(numbers(body)))
	} else {
		in.out.echo(h.id, in.handler.Echo(body))
	}
	_, err = in.reader.Discard(h.size)
	return err
}

func (in *inline) handleLarge(h header) error {
	if cap(in.scratch) < h.size {
		in.scratch = make([]byte, h.size)
	}
	body := in.scratch[:h.size]
	if _, err := io.ReadFull(in.reader, body); err != nil {
		return err
	}
	in.out.echo(h.id, in.handler.Echo(body))
	return nil
}

// serveSpawn runs each handler on a goroutine of its own.
func serveSpawn(c net.Conn, h system.Handler) {
	defer c.Close()
	r := bufio.NewReaderSize(c, bufferSize)
	w := newWriter(c)
	for {
		head, err := readHeader(r)
		if err != nil {
			return
		}
		body, err := readBody(r, head.size)
		if err != nil {
			return
		}
		go answer(w, h, head, body)
	}
}

func answer(w *writer, h system.Handler, head header, body []byte) {
	if head.op == opDivide {
		w.quotient(head.id, h.Divide(numbers(body)))
	} else {
		w.echo(head.id, h.Echo(body))
	}
}
