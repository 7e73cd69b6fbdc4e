package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/protocol/web"
	"github.com/yodelrpc/yodel/rpc"
)

// A site is a server for one test.
type site struct {
	*web.Server
	listener nettest.Listener
	url      string
	handler
}

// overAll runs a test over each network.
func overAll(t *testing.T, test func(t *testing.T, n nettest.Network)) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			test(t, n)
		})
	}
}

func serve(t *testing.T, n nettest.Network, limits rpc.ServerLimits) *site {
	t.Helper()
	h := handler{waiting: make(chan context.Context, 1), running: new(atomic.Int32)}
	s := serveServices(t, n, limits, divide.NewService(h))
	s.handler = h
	return s
}

func serveServices(t *testing.T, n nettest.Network, limits rpc.ServerLimits, services ...*rpc.Service) *site {
	t.Helper()
	return serveWith(t, n, rpc.DispatcherOptions{Limits: limits}, services...)
}

func serveWith(t *testing.T, n nettest.Network, o rpc.DispatcherOptions, services ...*rpc.Service) *site {
	t.Helper()
	s := new(site)
	d, err := rpc.NewDispatcher(services, o)
	if err != nil {
		t.Fatal(err)
	}
	ln := n.Listen(t)
	s.Server, s.listener, s.url = web.NewServer(d, line.Format(), basic.Format()), ln, "http://localhost/"
	if n.Name == nettest.TCP.Name { // for other programs
		s.url = "http://" + ln.Addr().String() + "/"
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.ServeConn(nc, nil, nettest.Peer(nc)) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		s.Close()
		all.Wait()
	})
	return s
}

// client returns an HTTP client of the site that leaves nothing behind.
func (s *site) client(t *testing.T) *http.Client { return &http.Client{Transport: s.transport(t)} }

func (s *site) transport(t *testing.T) *http.Transport {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return s.listener.Dial(ctx) }
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func do(t *testing.T, c *http.Client, method, url, contentType, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(data)
}
