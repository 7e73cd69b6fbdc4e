// Package rpcx plugs rpcx into the benchmark.
package rpcx

import (
	"context"
	"net"
	"sync"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/log"
	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/server"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

// System is rpcx with its protobuf codec.
func System() system.System {
	return system.System{
		Name:   "rpcx",
		Module: "github.com/smallnest/rpcx",
		Setup:  "protobuf codec",
		Serve:  serve,
		Dial:   dial,
	}
}

// Bench is the service as rpcx wants it: exported methods of an exported type.
type Bench struct{ handler system.Handler }

// Divide is the method Bench.Divide.
func (b *Bench) Divide(_ context.Context, req *pb.DivideRequest, res *pb.DivideResponse) error {
	res.Result = b.handler.Divide(req.Num1, req.Num2)
	return nil
}

// Echo is the method Bench.Echo.
func (b *Bench) Echo(_ context.Context, req *pb.EchoRequest, res *pb.EchoResponse) error {
	res.Result = b.handler.Echo(req.Payload)
	return nil
}

// quiet turns off rpcx's log, which is the process's.
var quiet = sync.OnceFunc(log.SetDummyLogger)

func serve(ln net.Listener, h system.Handler) error {
	quiet()
	srv := server.NewServer()
	if err := srv.Register(&Bench{handler: h}, ""); err != nil {
		return err
	}
	return srv.ServeListener("tcp", ln)
}

func dial(_ context.Context, addr string) (system.Conn, error) {
	quiet()
	option := client.DefaultOption
	option.SerializeType = protocol.ProtoBuffer
	c := client.NewClient(option)
	if err := c.Connect("tcp", addr); err != nil {
		return nil, err
	}
	return &conn{client: c}, nil
}

type conn struct{ client *client.Client }

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	var res pb.DivideResponse
	err := c.client.Call(ctx, "Bench", "Divide", &pb.DivideRequest{Num1: num1, Num2: num2}, &res)
	return res.Result, err
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	var res pb.EchoResponse
	err := c.client.Call(ctx, "Bench", "Echo", &pb.EchoRequest{Payload: payload}, &res)
	return res.Result, err
}

func (c *conn) Close() error { return c.client.Close() }
