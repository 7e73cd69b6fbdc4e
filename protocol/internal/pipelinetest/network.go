// Package pipelinetest holds the tests that the protocols over package pipeline share: [Run] runs them over all
// networks.
package pipelinetest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
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

// A Bench is a server with the network that leads to it.
type Bench struct {
	Echo   *Echo
	Server Server

	tb       testing.TB
	protocol Protocol
	network  nettest.Network
	listener nettest.Listener
	limits   rpc.ServerLimits
	serving  sync.WaitGroup
}

// NewBench returns a server of the services of package every with the given limits, until the end of the test.
func NewBench(tb testing.TB, p Protocol, n nettest.Network, limits rpc.ServerLimits) *Bench {
	tb.Helper()
	echo := newEcho()
	d, err := rpc.NewDispatcher(echo.services(), rpc.DispatcherOptions{Limits: limits})
	if err != nil {
		tb.Fatal(err)
	}
	b := &Bench{Echo: echo, Server: p.NewServer(d), tb: tb, protocol: p, limits: limits}
	b.start(n, func(nc net.Conn) { b.Server.ServeConn(nc, nil, nettest.Peer(nc)) })
	tb.Cleanup(func() { b.Server.Close() })
	return b
}

// NewFake returns a network that leads to serve, which owns a connection.
func NewFake(tb testing.TB, p Protocol, n nettest.Network, limits rpc.ServerLimits, serve func(net.Conn)) *Bench {
	tb.Helper()
	b := &Bench{tb: tb, protocol: p, limits: limits}
	b.start(n, func(nc net.Conn) {
		defer nc.Close()
		serve(nc)
	})
	return b
}

func (b *Bench) start(n nettest.Network, serve func(net.Conn)) {
	l := n.Listen(b.tb)
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
	nc, err := b.listener.Dial(b.tb.Context())
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() { nc.Close() })
	return nc
}

// Pair returns both ends of a connection that the server has not got. They are closed at the end of the test.
func (b *Bench) Pair() (near, far net.Conn) {
	b.tb.Helper()
	return b.network.Pair(b.tb)
}

// Dial returns a connection of the protocol to the server, closed at the end of the test.
func (b *Bench) Dial() rpc.Conn {
	b.tb.Helper()
	c, err := b.protocol.Dial(b.tb.Context(), rpc.ConnOptions{
		Address: "test:1",
		Limits:  b.limits.Limits,
		Dial:    b.listener.Dial,
	})
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() { c.Close() })
	return c
}
