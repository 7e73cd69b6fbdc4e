package mux_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fixture is a server and the way to it.
type fixture struct {
	server *mux.Server
	dial   func(ctx context.Context) (net.Conn, error)
	conns  sync.WaitGroup
	ln     net.Listener
}

func serve(tb testing.TB, n nettest.Network, limits rpc.ServerLimits, services ...*rpc.Service) *fixture {
	tb.Helper()
	return serveAs(tb, n, limits, false, services...)
}

func serveAs(tb testing.TB, n nettest.Network, limits rpc.ServerLimits, serial bool,
	services ...*rpc.Service) *fixture {
	tb.Helper()
	return serveWith(tb, n, rpc.DispatcherOptions{
		Limits: limits, Serial: serial, Logger: slog.New(slog.DiscardHandler),
	}, services...)
}

func serveWith(tb testing.TB, n nettest.Network, o rpc.DispatcherOptions, services ...*rpc.Service) *fixture {
	tb.Helper()
	d, err := rpc.NewDispatcher(services, o)
	if err != nil {
		tb.Fatal(err)
	}
	ln := n.Listen(tb)
	f := &fixture{server: mux.NewServer(d), ln: ln, dial: ln.Dial}
	f.conns.Add(1)
	go func() {
		defer f.conns.Done()
		for {
			nc, err := f.ln.Accept()
			if err != nil {
				return
			}
			f.conns.Add(1)
			go func() {
				defer f.conns.Done()
				f.server.ServeConn(nc, nil, nettest.Peer(nc))
			}()
		}
	}()
	tb.Cleanup(f.close)
	return f
}

func (f *fixture) close() {
	_ = f.ln.Close()
	_ = f.server.Close()
	f.conns.Wait()
}

func (f *fixture) conn(tb testing.TB) *mux.Conn {
	tb.Helper()
	c, err := mux.Dial(context.Background(), rpc.ConnOptions{Dial: f.dial, Address: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func overNetworks(t *testing.T, test func(t *testing.T, n nettest.Network)) {
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			test(t, n)
		})
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	overNetworks(t, func(t *testing.T, n nettest.Network) {
		c := serve(t, n, rpc.ServerLimits{}, handlers{}.service()).conn(t)
		for i := range int32(1000) {
			got, err := callDivide(t.Context(), c, i, 2)
			if err != nil || got != float32(i)/2 {
				t.Fatalf("divide(%d, 2) = %v, %v", i, got, err)
			}
		}
		var zero *byZero
		if _, err := callDivide(t.Context(), c, 1, 0); !errors.As(err, &zero) || zero.Message != "by zero" {
			t.Errorf("divide(1, 0) gives %v, want byZero", err)
		}
	})
}

func TestManyCallers(t *testing.T) {
	t.Parallel()
	overNetworks(t, func(t *testing.T, n nettest.Network) {
		c := serve(t, n, rpc.ServerLimits{Limits: rpc.Limits{Calls: 50}}, handlers{}.service()).conn(t)
		var callers sync.WaitGroup
		for n := range int32(200) {
			callers.Go(func() {
				for i := range int32(50) {
					got, err := callDivide(t.Context(), c, n*i, 2)
					if err != nil || got != float32(n*i)/2 {
						t.Errorf("divide(%d, 2) = %v, %v", n*i, got, err)
						return
					}
				}
			})
		}
		callers.Wait()
	})
}

func TestSizes(t *testing.T) {
	t.Parallel()
	overNetworks(t, func(t *testing.T, n nettest.Network) {
		c := serve(t, n, rpc.ServerLimits{}, handlers{}.service()).conn(t)
		var callers sync.WaitGroup
		for _, n := range []int{0, 1, 100, 4000, 4096, 5000, 16 << 10, 65000, 65510, 65520, 65530, 65536, 70000,
			200_000, 1 << 20, 4<<20 - 10} {
			callers.Go(func() {
				data := bytes.Repeat([]byte{byte(n), byte(n >> 8), 3}, n/3+1)[:n]
				for range 3 {
					got, err := callEcho(t.Context(), c, data)
					if err != nil || !bytes.Equal(got, data) {
						t.Errorf("echo of %d bytes gives %d bytes, %v", n, len(got), err)
						return
					}
				}
			})
		}
		callers.Wait()
		_, err := callEcho(t.Context(), c, make([]byte, 4<<20))
		e, ok := errors.AsType[*rpc.Error](err)
		if !ok || e.Code != rpc.ResourceExhausted || e.Outcome != rpc.OutcomeNotStarted {
			t.Errorf("4 MiB and a little more gives %v", err)
		}
	})
}

func TestDeadlineAndCancel(t *testing.T) {
	t.Parallel()
	ended := make(chan time.Time, 1)
	h := handlers{wait: func(ctx context.Context, a int32) error {
		<-ctx.Done()
		ended <- time.Now()
		return ctx.Err()
	}}
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, h.service()).conn(t)
	within := func(what string, since time.Time) {
		if late := (<-ended).Sub(since); late > 200*time.Millisecond { // on a loaded machine; 10 ms is the aim
			t.Errorf("%s reached the handler after %v", what, late)
		}
	}
	t.Run("deadline without a timer", func(t *testing.T) {
		begin := time.Now()
		_, err := callNumbers(rpc.WithTimeout(t.Context(), 50*time.Millisecond), c, wait, 1, 1)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		within("the deadline", begin.Add(50*time.Millisecond))
	})
	t.Run("context deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begin := time.Now()
		_, err := callNumbers(ctx, c, wait, 1, 1)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		within("the deadline", begin.Add(50*time.Millisecond))
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var canceled time.Time
		time.AfterFunc(20*time.Millisecond, func() { canceled = time.Now(); cancel() })
		_, err := callNumbers(ctx, c, wait, 1, 1)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		within("the cancel", canceled)
	})
	if got, err := callDivide(t.Context(), c, 6, 2); err != nil || got != 3 {
		t.Errorf("afterwards divide(6, 2) = %v, %v", got, err)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service()).conn(t)
	_, err := callNumbers(t.Context(), c, blow, 1, 1)
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Internal ||
		!strings.Contains(e.Message, "panicked") {
		t.Errorf("a panic gives %v", err)
	}
}

// A handler that blocks on the reader must not hold up the others, not even one that calls back.
func TestCallBackFromReader(t *testing.T) {
	t.Parallel()
	var c *mux.Conn
	h := handlers{other: func(ctx context.Context, a, b int32) (float32, error) {
		if b == 0 {
			return 1, nil
		}
		return callNumbers(ctx, c, other, a, b-1)
	}}
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, h.service())
	c = f.conn(t)
	for range 5000 { // until the method runs on the reader
		if _, err := callNumbers(t.Context(), c, other, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := callNumbers(t.Context(), c, other, 1, 20); err != nil || got != 1 {
		t.Errorf("20 calls deep: %v, %v", got, err)
	}
}

// Memory of large messages is used again, but not while anybody has a part of one.
func TestPartsOfLargeMessagesAreKept(t *testing.T) {
	t.Parallel()
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service()).conn(t)
	var callers sync.WaitGroup
	for caller := range 4 {
		callers.Go(func() {
			var kept [][]byte
			for i := range 50 {
				sent := bytes.Repeat([]byte{byte(50*caller + i)}, 300_000+10_000*i)
				got, err := callEcho(t.Context(), c, sent)
				if err != nil || !bytes.Equal(got, sent) {
					t.Errorf("%d bytes come back as %d, %v", len(sent), len(got), err)
					return
				}
				if i%10 == 0 {
					kept = append(kept, got[1000*i:][:10])
					runtime.GC()
				}
			}
			for i, part := range kept {
				if !bytes.Equal(part, bytes.Repeat([]byte{byte(50*caller + 10*i)}, 10)) {
					t.Errorf("what was kept of a message is %v now", part)
				}
			}
		})
	}
	callers.Wait()
}

func TestClientAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service()).conn(t)
	ctx := context.Background()
	for range 2000 {
		_, _ = callDivide(ctx, c, 6, 2)
	}
	// Client and server share the process: the server's one is its handler's context.
	if n := testing.AllocsPerRun(5000, func() { _, _ = callDivide(ctx, c, 6, 2) }); n > 1 {
		t.Errorf("a call allocates %v times on both sides together", n)
	}
}

func BenchmarkDivide(b *testing.B) {
	for _, callers := range []int{1, 64, 512} {
		b.Run(map[int]string{1: "1", 64: "64", 512: "512"}[callers], func(b *testing.B) {
			c := serve(b, nettest.TCP, rpc.ServerLimits{}, handlers{}.service()).conn(b)
			b.SetParallelism(max(1, callers/2))
			b.ReportAllocs()
			ctx := context.Background()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := callDivide(ctx, c, 100, 7); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func TestMetadataBothWays(t *testing.T) {
	t.Parallel()
	h := handlers{other: func(ctx context.Context, _, _ int32) (float32, error) {
		rpc.AddAnswerMetadata(ctx, "Tenant-Back", rpc.IncomingMetadata(ctx).Get("tenant"))
		rpc.AddAnswerMetadata(ctx, "many", "1")
		rpc.AddAnswerMetadata(ctx, "many", "2")
		return 0, errors.New("an error carries it, too")
	}}
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, h.service()).conn(t)
	var back rpc.Metadata
	ctx := rpc.WithAnswerMetadata(rpc.WithMetadata(t.Context(), "Tenant", "acme"), &back)
	if _, err := callNumbers(ctx, c, other, 1, 1); err == nil {
		t.Error("no error")
	}
	if back.Get("tenant-back") != "acme" || len(back["many"]) != 2 {
		t.Errorf("the answer's metadata is %v", back)
	}
	for _, tt := range []struct{ key, value, want string }{
		{"bad\r\nkey", "v", "lower case letters"},
		{"key", strings.Repeat("x", 9000), "over the limit of 8192"},
	} {
		_, err := callNumbers(rpc.WithMetadata(t.Context(), tt.key, tt.value), c, other, 1, 1)
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeNotStarted ||
			!strings.Contains(e.Message, tt.want) {
			t.Errorf("metadata %q gives %v", tt.key, err)
		}
	}
}
