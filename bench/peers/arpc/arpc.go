// Package arpc plugs lesismal's arpc into the benchmark.
package arpc

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/lesismal/arpc"
	"github.com/lesismal/arpc/log"
	"google.golang.org/protobuf/proto"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

// System is arpc with protobuf as its codec. Its handlers run on the connection's reader, which is its default.
func System() system.System {
	return system.System{
		Name:   "arpc",
		Module: "github.com/lesismal/arpc",
		Setup:  "protobuf codec, handlers on the reader",
		Serve:  serve,
		Dial:   dial,
	}
}

// codec hands arpc's messages to protobuf.
type codec struct{}

func (codec) Marshal(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("marshal %T: not a protobuf message", v)
	}
	return proto.Marshal(m)
}

func (codec) Unmarshal(data []byte, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("unmarshal %T: not a protobuf message", v)
	}
	return proto.Unmarshal(data, m)
}

// quiet turns off arpc's log, which is the process's.
var quiet = sync.OnceFunc(func() { log.SetLevel(log.LevelNone) })

func serve(ln net.Listener, h system.Handler) error {
	quiet()
	srv := arpc.NewServer()
	srv.Codec = codec{}
	srv.Handler.Handle("/divide", func(ctx *arpc.Context) {
		var req pb.DivideRequest
		if err := ctx.Bind(&req); err != nil {
			ctx.Error(err)
			return
		}
		ctx.Write(&pb.DivideResponse{Result: h.Divide(req.Num1, req.Num2)})
	})
	srv.Handler.Handle("/echo", func(ctx *arpc.Context) {
		var req pb.EchoRequest
		if err := ctx.Bind(&req); err != nil {
			ctx.Error(err)
			return
		}
		ctx.Write(&pb.EchoResponse{Result: h.Echo(req.Payload)})
	})
	return srv.Serve(ln)
}

func dial(ctx context.Context, addr string) (system.Conn, error) {
	quiet()
	client, err := arpc.NewClient(func() (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", addr)
	})
	if err != nil {
		return nil, err
	}
	client.Codec = codec{}
	return &conn{client: client}, nil
}

type conn struct{ client *arpc.Client }

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	var res pb.DivideResponse
	err := c.client.CallContext(ctx, "/divide", &pb.DivideRequest{Num1: num1, Num2: num2}, &res)
	return res.Result, err
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	var res pb.EchoResponse
	err := c.client.CallContext(ctx, "/echo", &pb.EchoRequest{Payload: payload}, &res)
	return res.Result, err
}

func (c *conn) Close() error {
	c.client.Stop()
	return nil
}
