// Package drpc plugs DRPC into the benchmark.
package drpc

import (
	"context"
	"net"

	"storj.io/drpc/drpcconn"
	"storj.io/drpc/drpcmux"
	"storj.io/drpc/drpcserver"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

// System is DRPC, whose connections carry one call at a time.
func System() system.System {
	return system.System{
		Name:      "drpc",
		Module:    "storj.io/drpc",
		Setup:     "defaults, a connection a caller",
		PerCaller: true,
		Serve:     serve,
		Dial:      dial,
	}
}

func serve(ln net.Listener, h system.Handler) error {
	mux := drpcmux.New()
	if err := DRPCRegisterBench(mux, server{handler: h}); err != nil {
		return err
	}
	if err := DRPCRegisterStreams(mux, server{handler: h}); err != nil {
		return err
	}
	return drpcserver.New(mux).Serve(context.Background(), ln)
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
	dc := drpcconn.New(raw)
	return &conn{dc: dc, client: NewDRPCBenchClient(dc), streams: NewDRPCStreamsClient(dc)}, nil
}

type conn struct {
	dc      *drpcconn.Conn
	client  DRPCBenchClient
	streams DRPCStreamsClient
}

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	res, err := c.client.Divide(ctx, &pb.DivideRequest{Num1: num1, Num2: num2})
	return res.GetResult(), err
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	res, err := c.client.Echo(ctx, &pb.EchoRequest{Payload: payload})
	return res.GetResult(), err
}

func (c *conn) Close() error { return c.dc.Close() }
