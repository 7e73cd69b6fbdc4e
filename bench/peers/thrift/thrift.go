// Package thrift plugs Apache Thrift into the benchmark.
package thrift

import (
	"context"
	"net"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/yodelrpc/yodel/bench/peers/thrift/gen"
	"github.com/yodelrpc/yodel/bench/system"
)

// System is Apache Thrift's framed binary protocol, whose connections carry one call at a time.
func System() system.System {
	return system.System{
		Name:      "thrift",
		Module:    "github.com/apache/thrift",
		Setup:     "framed binary, a connection a caller",
		PerCaller: true,
		Serve:     serve,
		Dial:      dial,
	}
}

func framed(cfg *thrift.TConfiguration) thrift.TTransportFactory {
	return thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), cfg)
}

func serve(ln net.Listener, h system.Handler) error {
	cfg := &thrift.TConfiguration{}
	srv := thrift.NewTSimpleServer4(
		gen.NewBenchProcessor(server{handler: h}),
		socket{ln},
		framed(cfg),
		thrift.NewTBinaryProtocolFactoryConf(cfg),
	)
	return srv.Serve()
}

type server struct{ handler system.Handler }

func (s server) Divide(_ context.Context, num1, num2 int32) (float64, error) {
	return float64(s.handler.Divide(num1, num2)), nil
}

func (s server) Echo(_ context.Context, payload []byte) ([]byte, error) {
	return s.handler.Echo(payload), nil
}

// A socket is a listener as Thrift wants it; its own kind cannot take one that listens already.
type socket struct{ net.Listener }

func (s socket) Listen() error    { return nil }
func (s socket) Interrupt() error { return s.Close() }

func (s socket) Accept() (thrift.TTransport, error) {
	raw, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return thrift.NewTSocketFromConnConf(raw, &thrift.TConfiguration{}), nil
}

func dial(_ context.Context, addr string) (system.Conn, error) {
	cfg := &thrift.TConfiguration{}
	transport, err := framed(cfg).GetTransport(thrift.NewTSocketConf(addr, cfg))
	if err != nil {
		return nil, err
	}
	if err := transport.Open(); err != nil {
		return nil, err
	}
	client := gen.NewBenchClientFactory(transport, thrift.NewTBinaryProtocolFactoryConf(cfg))
	return &conn{transport: transport, client: client}, nil
}

type conn struct {
	transport thrift.TTransport
	client    *gen.BenchClient
}

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	result, err := c.client.Divide(ctx, num1, num2)
	return float32(result), err
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	return c.client.Echo(ctx, payload)
}

func (c *conn) Close() error { return c.transport.Close() }
