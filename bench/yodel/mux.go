package yodel

import (
	"context"
	"net"

	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"

	"github.com/yodelrpc/yodel/bench/system"
	"github.com/yodelrpc/yodel/bench/yodel/bench"
)

// Mux is Yodel's mux protocol by itself: generated code and package mux, without the channel and the shared port.
func Mux() system.System {
	return system.System{
		Name:   "yodel-mux",
		Role:   system.Subject,
		Module: "github.com/yodelrpc/yodel",
		Setup:  "the mux protocol",
		Serve:  serveMux,
		Dial:   dialMux,
	}
}

func serveMux(ln net.Listener, h system.Handler) error {
	services := []*rpc.Service{bench.NewService(handler{handler: h})}
	d, err := rpc.NewDispatcher(services, nil, rpc.Limits{}, nil)
	if err != nil {
		return err
	}
	srv := mux.NewServer(d)
	defer srv.Close()
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go srv.ServeConn(c, nil)
	}
}

func dialMux(ctx context.Context, addr string) (system.Conn, error) {
	var dialer net.Dialer
	c, err := mux.Dial(ctx, rpc.ConnOptions{
		Dial:    func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) },
		Address: addr,
	})
	if err != nil {
		return nil, err
	}
	return &conn{Client: bench.NewClient(c), close: c.Close}, nil
}
