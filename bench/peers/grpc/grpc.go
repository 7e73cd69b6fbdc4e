// Package grpc plugs gRPC-Go into the benchmark.
package grpc

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

// System is gRPC-Go with its defaults.
func System() system.System {
	return system.System{
		Name:   "grpc-go",
		Module: "google.golang.org/grpc",
		Setup:  "defaults, no TLS",
		Serve:  serve,
		Dial:   dial,
	}
}

func serve(ln net.Listener, h system.Handler) error {
	srv := grpc.NewServer()
	RegisterBenchServer(srv, server{handler: h})
	RegisterStreamsServer(srv, server{handler: h})
	return srv.Serve(ln)
}

type server struct {
	UnimplementedBenchServer
	UnimplementedStreamsServer
	handler system.Handler
}

func (s server) Divide(_ context.Context, req *pb.DivideRequest) (*pb.DivideResponse, error) {
	return &pb.DivideResponse{Result: s.handler.Divide(req.Num1, req.Num2)}, nil
}

func (s server) Echo(_ context.Context, req *pb.EchoRequest) (*pb.EchoResponse, error) {
	return &pb.EchoResponse{Result: s.handler.Echo(req.Payload)}, nil
}

func dial(_ context.Context, addr string) (system.Conn, error) {
	cc, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &conn{cc: cc, client: NewBenchClient(cc), streams: NewStreamsClient(cc)}, nil
}

type conn struct {
	cc      *grpc.ClientConn
	client  BenchClient
	streams StreamsClient
}

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	res, err := c.client.Divide(ctx, &pb.DivideRequest{Num1: num1, Num2: num2})
	return res.GetResult(), err
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	res, err := c.client.Echo(ctx, &pb.EchoRequest{Payload: payload})
	return res.GetResult(), err
}

func (c *conn) Close() error { return c.cc.Close() }
