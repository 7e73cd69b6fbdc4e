package pipelinetest

import (
	"context"
	"io"
	"net"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// maxFuzzHeap is how much a few KiB of input may make one side allocate.
const maxFuzzHeap = 16 << 20

// FuzzServer sends the server any bytes, split in two places. It has to come to an end, whatever they are.
func FuzzServer(f *testing.F, p Protocol, seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed, uint16(len(seed)/3), uint16(len(seed)/2))
	}
	server := p.NewServer(NewDispatcher(f, rpc.ServerLimits{Limits: rpc.Limits{Message: 64 << 10}}))
	f.Fuzz(func(t *testing.T, data []byte, x, y uint16) {
		bounded(t, func() {
			near, far := nettest.MemoryPair()
			served := make(chan struct{})
			go func() {
				defer close(served)
				server.ServeConn(far, nil, new(rpc.Peer))
			}()
			go func() {
				writeSplit(near, data, x, y)
				_ = near.(interface{ CloseWrite() error }).CloseWrite()
			}()
			_, _ = io.Copy(io.Discard, near)
			near.Close()
			<-served
		})
	})
}

// FuzzClient answers a call with any bytes, split in two places.
func FuzzClient(f *testing.F, p Protocol, seeds ...[]byte) {
	d := NewDispatcher(f, rpc.ServerLimits{})
	for i, seed := range seeds {
		f.Add(seed, i%len(d.Routes()), uint16(len(seed)/3), uint16(len(seed)/2))
	}
	f.Fuzz(func(t *testing.T, data []byte, method int, x, y uint16) {
		route := d.Routes()[uint(method)%uint(len(d.Routes()))]
		if !route.Unary() {
			return
		}
		bounded(t, func() {
			near, far := nettest.MemoryPair()
			c, err := p.Dial(t.Context(), rpc.ConnOptions{
				Limits: rpc.Limits{Message: 64 << 10},
				Dial:   func(context.Context) (net.Conn, error) { return near, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _ = far.Read(make([]byte, 1<<10))
				writeSplit(far, data, x, y)
				far.Close()
			}()
			call := route.NewCall()
			_ = c.Call(rpc.WithTimeout(t.Context(), time.Minute), call)
			c.Close()
			far.Close()
		})
	})
}

func bounded(t *testing.T, f func()) {
	before := allocated()
	f()
	if used := allocated() - before; used > maxFuzzHeap {
		t.Errorf("%d bytes were allocated", used)
	}
}

// allocated returns how many bytes were ever allocated, without stopping the world as runtime.ReadMemStats does.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func writeSplit(nc net.Conn, data []byte, x, y uint16) {
	i := min(int(x), len(data))
	j := min(max(int(y), i), len(data))
	for _, part := range [][]byte{data[:i], data[i:j], data[j:]} {
		_, _ = nc.Write(part)
		runtime.Gosched()
	}
}
