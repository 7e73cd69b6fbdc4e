package nettest

import (
	"context"
	"errors"
	"net"
	"sync"
)

// A MemoryListener is a listener in this process.
type MemoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// ListenMemory returns a listener, to be closed. Unlike [Network.Listen] it needs no test, and so can live in a bubble
// of testing/synctest.
func ListenMemory() *MemoryListener {
	l := &MemoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// ErrRefused is the error of Dial to a listener that is closed.
var ErrRefused = errors.New("connection refused")

// Accept returns the next connection that Dial made.
func (l *MemoryListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept and Dial fail.
func (l *MemoryListener) Close() error {
	l.close()
	return nil
}

// Addr returns an address of a network that counts as a local one.
func (l *MemoryListener) Addr() net.Addr { return memoryAddr{} }

// Dial connects, as soon as somebody accepts.
func (l *MemoryListener) Dial(ctx context.Context) (net.Conn, error) {
	near, far := MemoryPair()
	if err := l.pass(ctx, far); err != nil {
		return nil, err
	}
	return near, nil
}

// pass hands nc to Accept.
func (l *MemoryListener) pass(ctx context.Context, nc net.Conn) error {
	select {
	case l.conns <- nc:
		return nil
	case <-l.closed:
		return ErrRefused
	case <-ctx.Done():
		return ctx.Err()
	}
}
