//go:build unix

package basic_test

import (
	"context"
	"fmt"
	"net"
	netrpc "net/rpc"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/rpc"
)

type handlers struct{}

func (handlers) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, divide.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// BenchmarkCalls makes calls of divide over TCP, with both ends in this process, and says what one costs the processor
// in all. net/rpc runs beside it for comparison:
//
//	go test -run='^$' -bench=Calls -count=3 ./protocol/basic
func BenchmarkCalls(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("basic/callers=%d", callers), func(b *testing.B) { benchmarkBasic(b, callers) })
		b.Run(fmt.Sprintf("netrpc/callers=%d", callers), func(b *testing.B) { benchmarkNetRPC(b, callers) })
	}
}

func benchmarkBasic(b *testing.B, callers int) {
	d, err := rpc.NewDispatcher([]*rpc.Service{divide.NewService(handlers{})}, rpc.DispatcherOptions{})
	if err != nil {
		b.Fatal(err)
	}
	srv := basic.NewServer(d)
	address := serve(b, func(nc net.Conn) { srv.ServeConn(nc, nil, new(rpc.Peer)) })
	c, err := basic.Dial(b.Context(), rpc.ConnOptions{Address: address, Dial: func(context.Context) (net.Conn, error) {
		return net.Dial("tcp", address)
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	client := divide.NewClient(c)
	num2 := divide.Num2(100)
	measure(b, callers, func() error {
		_, err := client.Divide(context.Background(), 200, num2)
		return err
	})
}

// Arith is net/rpc's service. Its names are as net/rpc wants them.
type Arith struct{}

// Args are the arguments of Divide.
type Args struct{ Num1, Num2 int32 }

// Divide is a method as net/rpc wants it.
func (Arith) Divide(a Args, result *float32) error {
	*result = float32(a.Num1) / float32(a.Num2)
	return nil
}

func benchmarkNetRPC(b *testing.B, callers int) {
	srv := netrpc.NewServer()
	if err := srv.Register(Arith{}); err != nil {
		b.Fatal(err)
	}
	c, err := netrpc.Dial("tcp", serve(b, func(nc net.Conn) { srv.ServeConn(nc) }))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	measure(b, callers, func() error {
		var result float32
		return c.Call("Arith.Divide", Args{200, 100}, &result)
	})
}

// serve accepts connections on a port of its own until the end of the benchmark and returns the address.
func serve(b *testing.B, serveConn func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serveConn(nc)
		}
	}()
	return l.Addr().String()
}

// measure runs b.N calls on the given number of goroutines.
func measure(b *testing.B, callers int, call func() error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	for range callers {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric((cpu()-before)/float64(b.N), "cpu-us/call")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// cpu returns the processor time of this process so far, in microseconds.
func cpu() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	micros := func(t syscall.Timeval) float64 { return float64(t.Sec)*1e6 + float64(t.Usec) }
	return micros(u.Utime) + micros(u.Stime)
}
