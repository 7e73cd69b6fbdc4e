package floor

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/yodelrpc/yodel/bench/system"
)

// maxCalls bounds the calls in flight on one connection.
const maxCalls = 8192

// A mux is a client's connection that carries many calls. It ignores contexts. One goroutine reads it until Close.
type mux struct {
	conn   net.Conn
	writer *writer
	calls  [maxCalls]atomic.Pointer[call] // by id; a call keeps its place for good
	ended  chan struct{}                  // the reader has returned

	mu   sync.Mutex
	free []*call
	made uint32 // ids given so far
	err  error  // no call begins after this
}

// A call is one in flight, or one that waits in mux.free to be used again.
type call struct {
	id    uint32
	done  chan error // of capacity 1
	value float32
	body  []byte
}

func dialMux(ctx context.Context, addr string) (system.Conn, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	m := &mux{conn: c, writer: newWriter(c), ended: make(chan struct{})}
	go m.readLoop()
	return m, nil
}

func (m *mux) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	c, err := m.begin()
	if err != nil {
		return 0, err
	}
	if err := m.writer.divide(c.id, num1, num2); err != nil {
		return 0, err
	}
	if err := <-c.done; err != nil {
		return 0, err
	}
	value := c.value
	m.end(c)
	return value, nil
}

func (m *mux) Echo(_ context.Context, payload []byte) ([]byte, error) {
	c, err := m.begin()
	if err != nil {
		return nil, err
	}
	if err := m.writer.echo(c.id, payload); err != nil {
		return nil, err
	}
	if err := <-c.done; err != nil {
		return nil, err
	}
	body := c.body
	c.body = nil
	m.end(c)
	return body, nil
}

func (m *mux) Close() error {
	err := m.conn.Close()
	<-m.ended
	return err
}

func (m *mux) begin() (*call, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	if n := len(m.free); n > 0 {
		c := m.free[n-1]
		m.free = m.free[:n-1]
		return c, nil
	}
	c := &call{id: m.made, done: make(chan error, 1)}
	m.calls[c.id].Store(c)
	m.made++
	return c, nil
}

func (m *mux) end(c *call) {
	m.mu.Lock()
	m.free = append(m.free, c)
	m.mu.Unlock()
}

func (m *mux) readLoop() {
	defer close(m.ended)
	r := bufio.NewReaderSize(m.conn, bufferSize)
	for {
		if err := m.deliver(r); err != nil {
			m.fail(err)
			return
		}
	}
}

func (m *mux) deliver(r *bufio.Reader) error {
	h, err := readHeader(r)
	if err != nil {
		return err
	}
	c := m.calls[h.id].Load()
	if h.op == opEcho {
		c.body, err = readBody(r, h.size)
	} else {
		c.value, err = readFloat(r)
	}
	if err == nil {
		c.done <- nil
	}
	return err
}

func readFloat(r *bufio.Reader) (float32, error) {
	body, err := r.Peek(4)
	if err != nil {
		return 0, err
	}
	value := float(body)
	_, err = r.Discard(4)
	return value, err
}

// fail ends all calls; a free one is left with an error that nobody reads.
func (m *mux) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	for id := range m.made {
		select {
		case m.calls[id].Load().done <- err:
		default:
		}
	}
}
