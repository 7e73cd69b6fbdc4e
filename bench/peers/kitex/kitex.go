// Package kitex plugs CloudWeGo's Kitex, with Thrift, into the benchmark.
package kitex

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/server"
	"github.com/cloudwego/kitex/transport"

	"github.com/yodelrpc/yodel/bench/peers/kitex/kitex_gen/gen/bench"
	"github.com/yodelrpc/yodel/bench/system"
)

const module = "github.com/cloudwego/kitex"

// Mux is Kitex with all calls on one connection.
func Mux() system.System {
	return system.System{
		Name:   "kitex-mux",
		Module: module,
		Setup:  "framed Thrift, one multiplexed connection",
		Serve: func(ln net.Listener, h system.Handler) error {
			return serve(ln, h, server.WithMuxTransport())
		},
		Dial: func(_ context.Context, addr string) (system.Conn, error) {
			return dial(addr, client.WithMuxConnection(1))
		},
	}
}

// Pool is Kitex with its pool of connections, which grows to one for each caller.
func Pool() system.System {
	idle := connpool.IdleConfig{MaxIdlePerAddress: 5000, MaxIdleGlobal: 5000, MaxIdleTimeout: time.Minute}
	return system.System{
		Name:   "kitex-pool",
		Module: module,
		Setup:  "framed Thrift, its own pool of connections",
		Serve:  func(ln net.Listener, h system.Handler) error { return serve(ln, h) },
		Dial: func(_ context.Context, addr string) (system.Conn, error) {
			return dial(addr, client.WithLongConnection(idle))
		},
	}
}

// quiet turns off Kitex's log, which is the process's.
var quiet = sync.OnceFunc(func() { klog.SetOutput(io.Discard) })

func serve(ln net.Listener, h system.Handler, opts ...server.Option) error {
	quiet()
	opts = append(opts, server.WithListener(ln))
	return bench.NewServer(&handler{handler: h}, opts...).Run()
}

type handler struct{ handler system.Handler }

func (s *handler) Divide(_ context.Context, num1, num2 int32) (float64, error) {
	return float64(s.handler.Divide(num1, num2)), nil
}

func (s *handler) Echo(_ context.Context, payload []byte) ([]byte, error) {
	return s.handler.Echo(payload), nil
}

func dial(addr string, opts ...client.Option) (system.Conn, error) {
	quiet()
	opts = append(opts, client.WithHostPorts(addr), client.WithTransportProtocol(transport.Framed))
	c, err := bench.NewClient("bench", opts...)
	if err != nil {
		return nil, err
	}
	return &conn{client: c}, nil
}

type conn struct{ client bench.Client }

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	result, err := c.client.Divide(ctx, num1, num2)
	return float32(result), err
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	return c.client.Echo(ctx, payload)
}

// Close does nothing: Kitex closes a client's connections when the client is collected.
func (c *conn) Close() error { return nil }
