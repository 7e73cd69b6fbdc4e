// Package connect plugs connect-go, over HTTP/2 without TLS, into the benchmark.
package connect

import (
	"context"
	"net"
	"net/http"

	"connectrpc.com/connect"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

// System is connect-go with its own protocol over net/http's HTTP/2.
func System() system.System {
	return system.System{
		Name:   "connect-go",
		Module: "connectrpc.com/connect",
		Setup:  "Connect protocol, HTTP/2 without TLS, no gzip, 10,000 streams",
		Serve:  serve,
		Dial:   dial,
	}
}

func cleartext() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return protocols
}

func serve(ln net.Listener, h system.Handler) error {
	mux := http.NewServeMux()
	mux.Handle(NewBenchHandler(server{handler: h}))
	mux.Handle(NewStreamsHandler(server{handler: h}))
	srv := &http.Server{
		Handler:   mux,
		Protocols: cleartext(),
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 10_000},
	}
	return srv.Serve(ln)
}

type server struct{ handler system.Handler }

func (s server) Divide(
	_ context.Context, req *connect.Request[pb.DivideRequest],
) (*connect.Response[pb.DivideResponse], error) {
	res := &pb.DivideResponse{Result: s.handler.Divide(req.Msg.Num1, req.Msg.Num2)}
	return connect.NewResponse(res), nil
}

func (s server) Echo(
	_ context.Context, req *connect.Request[pb.EchoRequest],
) (*connect.Response[pb.EchoResponse], error) {
	return connect.NewResponse(&pb.EchoResponse{Result: s.handler.Echo(req.Msg.Payload)}), nil
}

func dial(_ context.Context, addr string) (system.Conn, error) {
	transport := &http.Transport{Protocols: cleartext()}
	uncompressed := connect.WithAcceptCompression("gzip", nil, nil) // else each response is gzipped
	hc := &http.Client{Transport: transport}
	return &conn{
		transport: transport,
		client:    NewBenchClient(hc, "http://"+addr, uncompressed),
		streams:   NewStreamsClient(hc, "http://"+addr, uncompressed),
	}, nil
}

type conn struct {
	transport *http.Transport
	client    BenchClient
	streams   StreamsClient
}

func (c *conn) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	res, err := c.client.Divide(ctx, connect.NewRequest(&pb.DivideRequest{Num1: num1, Num2: num2}))
	if err != nil {
		return 0, err
	}
	return res.Msg.Result, nil
}

func (c *conn) Echo(ctx context.Context, payload []byte) ([]byte, error) {
	res, err := c.client.Echo(ctx, connect.NewRequest(&pb.EchoRequest{Payload: payload}))
	if err != nil {
		return nil, err
	}
	return res.Msg.Result, nil
}

func (c *conn) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}
