package mux_test

import (
	"context"
	"iter"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// longWay carries what is written to one end to the other, each byte for a time, and any number at once.
func longWay(t *testing.T, delay time.Duration) (near, far net.Conn) {
	near, a := nettest.MemoryPair()
	far, b := nettest.MemoryPair()
	type chunk struct {
		due  time.Time
		data []byte
	}
	var relays sync.WaitGroup
	carry := func(from, to net.Conn) {
		under := make(chan chunk, 1<<12)
		relays.Go(func() {
			defer close(under)
			for {
				buf := make([]byte, 64<<10)
				n, err := from.Read(buf)
				if err != nil {
					return
				}
				under <- chunk{time.Now().Add(delay), buf[:n]}
			}
		})
		relays.Go(func() {
			for c := range under {
				time.Sleep(time.Until(c.due))
				_, _ = to.Write(c.data)
			}
			_ = to.Close()
		})
	}
	carry(a, b)
	carry(b, a)
	t.Cleanup(relays.Wait)
	return near, far
}

// Over a way of 50 ms there and back a stream's window grows, so that many bytes are under way: with the window that it
// begins with, 32 MiB would take 25 s.
func TestWindowGrowsOverALongWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count, size = 512, 64 << 10
		d, err := rpc.NewDispatcher([]*rpc.Service{streamHandlers{
			feed: func(_ context.Context, in *numbers) iter.Seq2[[]byte, error] {
				return func(yield func([]byte, error) bool) {
					for b := make([]byte, in.B); in.A > 0 && yield(b, nil); in.A-- {
					}
				}
			},
		}.service()}, rpc.DispatcherOptions{})
		if err != nil {
			t.Fatal(err)
		}
		server := mux.NewServer(d)
		near, far := longWay(t, 25*time.Millisecond)
		go server.ServeConn(far, nil, nettest.Peer(far))
		conn, err := mux.Dial(t.Context(), rpc.ConnOptions{
			Dial: func(context.Context) (net.Conn, error) { return near, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		began, n := time.Now(), 0
		for b, err := range feed.Call(t.Context(), conn, &numbers{count, size}) {
			if err != nil {
				t.Fatal(err)
			}
			n += len(b)
		}
		took := time.Since(began)
		t.Logf("%d MiB took %v", n>>20, took)
		if n != count*size || took > 8*time.Second {
			t.Errorf("%d bytes took %v", n, took)
		}
		_ = conn.Close()
		_ = server.Close()
	})
}

// A stream whose reader stops makes its receiver hold no more than 200 KiB, also after a time in which the reader was
// fast.
func TestStoppedReaderHoldsLittle(t *testing.T) {
	const streams, most = 50, 200 << 10
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, streamHandlers{}.service()).conn(t)
	before := heapInUse()
	for range streams {
		next, stop := iter.Pull2(feed.Call(t.Context(), c, &numbers{1 << 30, 1000}))
		defer stop()
		for range 2000 {
			if _, err, ok := next(); err != nil || !ok {
				t.Fatal(err)
			}
		}
	}
	if q, err := gather.Call(t.Context(), c, nil, patterns(1, 1)); err != nil || q.Result != 1 { // goes on meanwhile
		t.Fatal(q, err)
	}
	// The sender, which is in this process too, holds no more than half of that again.
	if held := (heapInUse() - before) / streams; held > most*3/2 {
		t.Errorf("a stream whose reader has stopped holds %d bytes", held)
	} else {
		t.Logf("a stream whose reader has stopped holds %d bytes, its sender's included", held)
	}
}

// heapInUse returns the bytes in use.
func heapInUse() int {
	runtime.GC()
	runtime.GC() // what pools had
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse)
}

// Idle streams cost little beside the stacks of the goroutines that wait in them, a caller's and a handler's each.
func TestIdleStreamsCostLittle(t *testing.T) {
	n := 10_000
	if testing.Short() || raceEnabled {
		n = 500
	}
	limits := rpc.ServerLimits{Limits: rpc.Limits{Calls: n + 1}}
	c := serve(t, nettest.TCP, limits, streamHandlers{}.service()).conn(t)
	ctx, cancel := context.WithCancel(t.Context())
	var callers, begun sync.WaitGroup
	open := func() {
		begun.Add(1)
		callers.Go(func() {
			_ = chat.Call(ctx, c, nil, func(ctx context.Context, s *talk) error {
				_ = s.Send(ctx, []byte("hello"))
				_, _ = s.Recv(ctx)
				begun.Done()
				_, err := s.Recv(ctx)
				return err
			})
		})
	}
	open()
	begun.Wait()
	before := heapInUse()
	for range n {
		open()
	}
	begun.Wait()
	each := (heapInUse() - before) / n
	t.Logf("an idle stream takes %d bytes of heap, both sides together", each)
	if each > 6<<10 && !raceEnabled {
		t.Errorf("an idle stream takes %d bytes of heap", each)
	}
	cancel()
	callers.Wait()
}
