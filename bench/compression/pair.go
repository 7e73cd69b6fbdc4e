package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"net"
	"sync"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A message has bytes, and a sum of them by which the server knows that they came as they were.
type message struct {
	Data []byte `yodel:"1,data"`
	Sum  uint32 `yodel:"2,sum"`
}

func (m *message) Reset() { *m = message{} }
func (m *message) EncodeWire(e *wire.Encoder) {
	e.PutBytes(1, m.Data)
	e.PutUint32(2, m.Sum)
}
func (m *message) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.Bytes(1, &m.Data)
		d.Uint32(2, &m.Sum)
	}
}

type nothing struct{}

func (*nothing) Reset()                     {}
func (*nothing) EncodeWire(*wire.Encoder)   {}
func (*nothing) DecodeWire(d *wire.Decoder) { _ = d.Next() }

var put = rpc.NewUnary[message, nothing](rpc.Method{Service: "bench.Compression", Name: "put"})

func handle(_ context.Context, in *message, _ *nothing) error {
	if crc32.ChecksumIEEE(in.Data) != in.Sum {
		return fmt.Errorf("%d bytes are not those that were sent", len(in.Data))
	}
	return nil
}

// A pair is a client and a server with one connection between them.
type pair struct {
	server *mux.Server
	conn   *mux.Conn
	wg     sync.WaitGroup
}

// connect returns a pair whose connection takes rate bytes a second in each direction; 0 is as many as it can.
func connect(ctx context.Context, rate float64, o compress.Options) (*pair, error) {
	services := []*rpc.Service{rpc.NewService("bench.Compression", put.Handle(handle))}
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{Compress: o})
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	p := &pair{server: mux.NewServer(d)}
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, _ := ln.Accept()
		accepted <- nc
	}()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return nil, err
	}
	theirs := <-accepted
	p.wg.Go(func() { p.server.ServeConn(shape(theirs, rate), nil, &rpc.Peer{Addr: theirs.RemoteAddr()}) })
	p.conn, err = mux.Dial(ctx, rpc.ConnOptions{
		Dial:     func(context.Context) (net.Conn, error) { return shape(nc, rate), nil },
		Compress: o,
	})
	return p, err
}

func (p *pair) send(ctx context.Context, data []byte) error {
	call := put.NewCall()
	defer call.Release()
	call.In.Data, call.In.Sum = data, crc32.ChecksumIEEE(data)
	return p.conn.Call(ctx, &call.Call)
}

func (p *pair) close() error {
	err := p.conn.Close()
	_ = p.server.Close()
	p.wg.Wait()
	return err
}
