// Package nettest has the networks that tests run over: one list for all suites.
package nettest

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/internal/peercred"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// A Network makes connections from clients to one server.
type Network struct {
	Name    string
	Buffers int // bytes; more than can be under way in one direction
	listen  func(tb testing.TB) (Listener, error)
}

// A Listener accepts what its own Dial connects. Any number of goroutines may use one at once.
type Listener interface {
	net.Listener
	Dial(ctx context.Context) (net.Conn, error)
}

// The networks.
var (
	Memory = Network{"memory", 1 << 20, func(testing.TB) (Listener, error) { return ListenMemory(), nil }}
	TCP    = Network{"tcp", 16 << 20, func(testing.TB) (Listener, error) { return listen("tcp", "127.0.0.1:0") }}
	Unix   = Network{"unix", 2 << 20, func(tb testing.TB) (Listener, error) {
		return listen("unix", filepath.Join(tb.TempDir(), "s"))
	}}
	// TLS is TLS over TCP. What Accept and Dial return has made its handshake, as what the root hands to a protocol
	// has.
	TLS = Network{"tls", 16 << 20, listenTLS}
)

// All are the networks that a suite runs over.
var All = []Network{Memory, TCP, Unix, TLS}

// Listen returns a listener that lives as long as the test.
func (n Network) Listen(tb testing.TB) Listener {
	tb.Helper()
	l, err := n.listen(tb)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

// Pair returns both ends of a connection, which are closed at the end of the test: near is the client's, far the
// server's.
func (n Network) Pair(tb testing.TB) (near, far net.Conn) {
	tb.Helper()
	l, err := n.listen(tb)
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, _ := l.Accept()
		accepted <- nc
	}()
	if near, err = l.Dial(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	far = <-accepted
	tb.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// Peer returns what a server knows of the client at the other end of nc.
func Peer(nc net.Conn) *rpc.Peer {
	p := &rpc.Peer{Addr: nc.RemoteAddr(), Unix: peercred.Of(nc)}
	if inner, ok := nc.(*tls.Conn); ok {
		state := inner.ConnectionState()
		p.TLS = &state
	}
	return p
}

type socketListener struct{ net.Listener }

func listen(network, address string) (Listener, error) {
	l, err := net.Listen(network, address)
	return socketListener{l}, err
}

func (l socketListener) Dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, l.Addr().Network(), l.Addr().String())
}

// A tlsListener makes the handshake of each connection on a goroutine of its own, so that one that is slow keeps no
// other from Accept.
type tlsListener struct {
	*MemoryListener // of the connections that have made it
	socket          Listener
	server, client  *tls.Config
	serving         *sync.WaitGroup
	closing         context.Context // of handshakes
	cancel          context.CancelFunc
}

func listenTLS(tb testing.TB) (Listener, error) {
	socket, err := listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := tlstest.New(tb, "authority")
	l := &tlsListener{MemoryListener: ListenMemory(), socket: socket, server: a.Server(), client: a.Client(),
		serving: new(sync.WaitGroup)}
	l.closing, l.cancel = context.WithCancel(context.Background())
	l.client.ServerName = "127.0.0.1"
	l.serving.Go(l.accept)
	return l, nil
}

func (l *tlsListener) accept() {
	for {
		nc, err := l.socket.Accept()
		if err != nil {
			return
		}
		l.serving.Go(func() {
			inner := tls.Server(nc, l.server)
			if inner.HandshakeContext(l.closing) != nil || l.pass(l.closing, inner) != nil {
				nc.Close()
			}
		})
	}
}

func (l *tlsListener) Addr() net.Addr { return l.socket.Addr() }

func (l *tlsListener) Dial(ctx context.Context) (net.Conn, error) {
	nc, err := l.socket.Dial(ctx)
	if err != nil {
		return nil, err
	}
	inner := tls.Client(nc, l.client)
	if err := inner.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return inner, nil
}

func (l *tlsListener) Close() error {
	l.cancel()
	_ = l.MemoryListener.Close()
	err := l.socket.Close()
	l.serving.Wait()
	return err
}
