// Package pipelinetest holds the tests that the protocols over package pipeline share: [Run] runs them on connections in
// memory, TCP, unix sockets and TLS.
package pipelinetest

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// A Protocol is one that is tested.
type Protocol struct {
	Dial      func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error)
	NewServer func(d *rpc.Dispatcher) Server
	// Request returns a whole request of strings(value) and its answer.
	Request func(value string) (request, answer []byte)
}

// A Server is what a protocol's NewServer returns.
type Server interface {
	ServeConn(nc net.Conn, head []byte, peer *rpc.Peer)
	Shutdown(ctx context.Context) error
	Close() error
}

// A Network makes connections from clients to one server.
type Network struct {
	Name    string
	buffers int // more bytes than can be under way
	listen  func(tb testing.TB) (listener, error)
}

type listener interface {
	Accept() (net.Conn, error)
	Close() error
	dial() (net.Conn, error)
}

// Networks are those that tests run on.
var Networks = []Network{
	{"memory", 1 << 20, func(testing.TB) (listener, error) { return newMemoryListener(), nil }},
	{"tcp", 16 << 20, func(testing.TB) (listener, error) { return listenSocket("tcp", "127.0.0.1:0") }},
	{"unix", 2 << 20, func(tb testing.TB) (listener, error) {
		return listenSocket("unix", filepath.Join(tb.TempDir(), "socket"))
	}},
	{"tls", 16 << 20, listenTLS},
}

type socketListener struct{ net.Listener }

func listenSocket(network, address string) (listener, error) {
	l, err := net.Listen(network, address)
	return socketListener{l}, err
}

func (l socketListener) dial() (net.Conn, error) {
	return net.Dial(l.Addr().Network(), l.Addr().String())
}

// A tlsListener is TLS over TCP. Its connections have made their handshakes, as those of a server that owns its port: before
// a protocol gets them.
type tlsListener struct {
	*memoryListener // of the connections
	socket          listener
	server, client  *tls.Config
	serving         *sync.WaitGroup
}

func listenTLS(tb testing.TB) (listener, error) {
	socket, err := listenSocket("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := tlstest.New(tb, "authority")
	l := tlsListener{newMemoryListener(), socket, a.Server(), a.Client(), new(sync.WaitGroup)}
	l.client.ServerName = "127.0.0.1"
	l.serving.Go(l.accept)
	return l, nil
}

func (l tlsListener) accept() {
	for {
		nc, err := l.socket.Accept()
		if err != nil {
			return
		}
		l.serving.Go(func() {
			inner := tls.Server(nc, l.server)
			if inner.Handshake() != nil || !l.pass(inner) {
				inner.Close()
			}
		})
	}
}

func (l tlsListener) dial() (net.Conn, error) {
	nc, err := l.socket.dial()
	if err != nil {
		return nil, err
	}
	inner := tls.Client(nc, l.client)
	return inner, inner.Handshake()
}

func (l tlsListener) Close() error {
	l.memoryListener.Close()
	err := l.socket.Close()
	l.serving.Wait()
	return err
}

type memoryListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// pass hands nc to Accept, unless the listener is closed.
func (l *memoryListener) pass(nc net.Conn) bool {
	select {
	case l.conns <- nc:
		return true
	case <-l.done:
		return false
	}
}

func (l *memoryListener) dial() (net.Conn, error) {
	client, server := memoryPair()
	if !l.pass(server) {
		return nil, net.ErrClosed
	}
	return client, nil
}

// A Bench is a server with the network that leads to it.
type Bench struct {
	Echo   *Echo
	Server Server

	tb       testing.TB
	protocol Protocol
	network  Network
	listener listener
	limits   rpc.ServerLimits
	serving  sync.WaitGroup
}

// NewBench returns a server of the services of package every with the given limits, until the end of the test.
func NewBench(tb testing.TB, p Protocol, n Network, limits rpc.ServerLimits) *Bench {
	tb.Helper()
	echo := newEcho()
	d, err := rpc.NewDispatcher(echo.services(), rpc.DispatcherOptions{Limits: limits})
	if err != nil {
		tb.Fatal(err)
	}
	b := &Bench{Echo: echo, Server: p.NewServer(d), tb: tb, protocol: p, limits: limits}
	b.start(n, func(nc net.Conn) { b.Server.ServeConn(nc, nil, new(rpc.Peer)) })
	tb.Cleanup(func() { b.Server.Close() })
	return b
}

// NewFake returns a network that leads to serve, which owns a connection.
func NewFake(tb testing.TB, p Protocol, n Network, limits rpc.ServerLimits, serve func(net.Conn)) *Bench {
	tb.Helper()
	b := &Bench{tb: tb, protocol: p, limits: limits}
	b.start(n, func(nc net.Conn) {
		defer nc.Close()
		serve(nc)
	})
	return b
}

func (b *Bench) start(n Network, serve func(net.Conn)) {
	l, err := n.listen(b.tb)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.network, b.listener = n, l
	b.serving.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			b.serving.Go(func() { serve(nc) })
		}
	})
	b.tb.Cleanup(func() {
		l.Close()
		b.serving.Wait()
	})
}

// Raw returns a bare connection to the server, closed at the end of the test.
func (b *Bench) Raw() net.Conn {
	b.tb.Helper()
	nc, err := b.listener.dial()
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() { nc.Close() })
	return nc
}

// Pair returns both ends of a connection that the server has not got. They are closed at the end of the test.
func (b *Bench) Pair() (near, far net.Conn) {
	b.tb.Helper()
	l, err := b.network.listen(b.tb)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		nc, _ := l.Accept()
		accepted <- nc
	}()
	near, err = l.dial()
	if err != nil {
		b.tb.Fatal(err)
	}
	far = <-accepted
	b.tb.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// Dial returns a connection of the protocol to the server, closed at the end of the test.
func (b *Bench) Dial() rpc.Conn {
	b.tb.Helper()
	c, err := b.protocol.Dial(b.tb.Context(), rpc.ConnOptions{
		Address: "test:1",
		Limits:  b.limits.Limits,
		Dial:    func(context.Context) (net.Conn, error) { return b.listener.dial() },
	})
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() { c.Close() })
	return c
}
