package floor

import (
	"bufio"
	"context"
	"net"

	"github.com/yodelrpc/yodel/bench/system"
)

// A plain connection carries one call at a time. It ignores contexts.
type plain struct {
	conn   net.Conn
	reader *bufio.Reader
	out    batch
}

func dialPlain(ctx context.Context, addr string) (system.Conn, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &plain{conn: c, reader: bufio.NewReaderSize(c, bufferSize)}, nil
}

func (p *plain) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	p.out.divide(0, num1, num2)
	if err := p.out.writeTo(p.conn); err != nil {
		return 0, err
	}
	if _, err := readHeader(p.reader); err != nil {
		return 0, err
	}
	return readFloat(p.reader)
}

func (p *plain) Echo(_ context.Context, payload []byte) ([]byte, error) {
	p.out.echo(0, payload)
	if err := p.out.writeTo(p.conn); err != nil {
		return nil, err
	}
	h, err := readHeader(p.reader)
	if err != nil {
		return nil, err
	}
	return readBody(p.reader, h.size)
}

func (p *plain) Close() error { return p.conn.Close() }
