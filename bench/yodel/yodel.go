// Package yodel plugs Yodel into the benchmark, once for each of its binary protocols. Its server answers all of them.
package yodel

import (
	"context"
	"net"

	"github.com/yodelrpc/yodel"

	"github.com/yodelrpc/yodel/bench/system"
	"github.com/yodelrpc/yodel/bench/yodel/bench"
)

// Basic is Yodel with its basic protocol, whose requests are pipelined.
func Basic() system.System { return over("basic", "the basic protocol, pipelined") }

func over(protocol, setup string) system.System {
	return system.System{
		Name:   "yodel-" + protocol,
		Role:   system.Subject,
		Module: "github.com/yodelrpc/yodel",
		Setup:  setup,
		Serve:  serve,
		Dial: func(_ context.Context, addr string) (system.Conn, error) {
			ch, err := yodel.Dial(protocol + "://" + addr)
			if err != nil {
				return nil, err
			}
			client := bench.NewClient(ch)
			if protocol == "mux" {
				return &streamConn{conn{client, ch.Close}, streams{client}}, nil
			}
			return &conn{client, ch.Close}, nil
		},
	}
}

func serve(ln net.Listener, h system.Handler) error {
	return yodel.NewServer(bench.NewService(handler{handler: h})).Serve(context.Background(), ln)
}

type handler struct{ handler system.Handler }

func (s handler) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return s.handler.Divide(num1, num2), nil
}

func (s handler) Echo(_ context.Context, payload []byte) ([]byte, error) {
	return s.handler.Echo(payload), nil
}

type conn struct {
	client *bench.Client
	close  func() error
}

// A streamConn is a conn of a protocol that has streams.
type streamConn struct {
	conn
	streams
}

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	return c.client.Divide(ctx, num1, num2)
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	return c.client.Echo(ctx, payload)
}

func (c *conn) Close() error { return c.close() }
