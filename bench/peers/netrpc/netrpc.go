// Package netrpc plugs the standard library's net/rpc, with its gob codec, into the benchmark.
package netrpc

import (
	"context"
	"net"
	"net/rpc"

	"github.com/yodelrpc/yodel/bench/system"
)

// System is net/rpc with gob.
func System() system.System {
	return system.System{
		Name:  "net/rpc",
		Setup: "gob",
		Serve: serve,
		Dial:  dial,
	}
}

// DivideArgs are the arguments of Bench.Divide.
type DivideArgs struct{ Num1, Num2 int32 }

// Bench is the service as net/rpc wants it: exported methods of an exported type.
type Bench struct{ handler system.Handler }

// Divide is the method Bench.Divide.
func (b *Bench) Divide(args *DivideArgs, result *float32) error {
	*result = b.handler.Divide(args.Num1, args.Num2)
	return nil
}

// Echo is the method Bench.Echo.
func (b *Bench) Echo(payload *[]byte, result *[]byte) error {
	*result = b.handler.Echo(*payload)
	return nil
}

func serve(ln net.Listener, h system.Handler) error {
	srv := rpc.NewServer()
	if err := srv.Register(&Bench{handler: h}); err != nil {
		return err
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go srv.ServeConn(c)
	}
}

func dial(_ context.Context, addr string) (system.Conn, error) {
	client, err := rpc.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{client: client}, nil
}

// A conn ignores the caller's context, as net/rpc does.
type conn struct{ client *rpc.Client }

func (c *conn) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	var result float32
	err := c.client.Call("Bench.Divide", &DivideArgs{Num1: num1, Num2: num2}, &result)
	return result, err
}

func (c *conn) Echo(_ context.Context, payload []byte) ([]byte, error) {
	var result []byte
	err := c.client.Call("Bench.Echo", &payload, &result)
	return result, err
}

func (c *conn) Close() error { return c.client.Close() }
