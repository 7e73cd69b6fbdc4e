// Package ttrpc plugs containerd's ttrpc into the benchmark.
package ttrpc

import (
	"context"
	"net"

	"github.com/containerd/ttrpc"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

// System is ttrpc with its defaults.
func System() system.System {
	return system.System{
		Name:   "ttrpc",
		Module: "github.com/containerd/ttrpc",
		Setup:  "defaults",
		Serve:  serve,
		Dial:   dial,
	}
}

func serve(ln net.Listener, h system.Handler) error {
	srv, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	RegisterBenchService(srv, server{handler: h})
	return srv.Serve(context.Background(), ln)
}

type server struct{ handler system.Handler }

func (s server) Divide(_ context.Context, req *pb.DivideRequest) (*pb.DivideResponse, error) {
	return &pb.DivideResponse{Result: s.handler.Divide(req.Num1, req.Num2)}, nil
}

func (s server) Echo(_ context.Context, req *pb.EchoRequest) (*pb.EchoResponse, error) {
	return &pb.EchoResponse{Result: s.handler.Echo(req.Payload)}, nil
}

func dial(ctx context.Context, addr string) (system.Conn, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	client := ttrpc.NewClient(raw)
	return &conn{client: client, bench: NewBenchClient(client)}, nil
}

type conn struct {
	client *ttrpc.Client
	bench  BenchService
}

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	res, err := c.bench.Divide(ctx, &pb.DivideRequest{Num1: num1, Num2: num2})
	return res.GetResult(), err
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	res, err := c.bench.Echo(ctx, &pb.EchoRequest{Payload: payload})
	return res.GetResult(), err
}

func (c *conn) Close() error { return c.client.Close() }
