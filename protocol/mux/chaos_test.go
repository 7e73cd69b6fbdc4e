package mux_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// chaos is what happens to one connection in one run: a seeded sequence of calls, cancels, short deadlines and cuts.
type chaos struct {
	f      *fixture
	starts sync.Map // numbers of calls whose handler has begun
	twice  atomic.Int64
	ran    atomic.Int64
}

func newChaos(tb testing.TB) *chaos {
	c := new(chaos)
	c.f = serve(tb, nettest.TCP, rpc.ServerLimits{Limits: rpc.Limits{Calls: 64}}, handlers{
		wait: func(ctx context.Context, a int32) error {
			c.begin(a)
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(a%3) * 100 * time.Microsecond):
			}
			return nil
		},
		other: func(_ context.Context, a, _ int32) (float32, error) {
			c.begin(a)
			return float32(a), nil
		},
	}.service())
	return c
}

func (c *chaos) begin(a int32) {
	c.ran.Add(1)
	if _, again := c.starts.LoadOrStore(a, true); again {
		c.twice.Add(1)
	}
}

// call makes one call of a random kind and checks that its end is labelled truly.
func (c *chaos) call(tb testing.TB, conn *mux.Conn, r *rand.Rand, n int32) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch r.IntN(4) {
	case 0:
		ctx = rpc.WithTimeout(ctx, time.Duration(r.IntN(2000))*time.Microsecond)
	case 1:
		stop := time.AfterFunc(time.Duration(r.IntN(1000))*time.Microsecond, cancel)
		defer stop.Stop()
	}
	var err error
	switch r.IntN(8) {
	case 0:
		_, err = callNumbers(ctx, conn, wait, n, 1)
	case 1:
		data := bytes.Repeat([]byte{byte(n)}, r.IntN(200_000))
		var got []byte
		if got, err = callEcho(ctx, conn, data); err == nil && !bytes.Equal(got, data) {
			tb.Errorf("echo of %d bytes gives %d others", len(data), len(got))
		}
		n = -1
	default:
		var got float32
		if got, err = callNumbers(ctx, conn, other, n, 1); err == nil && got != float32(n) {
			tb.Errorf("call %d is answered with %v", n, got)
		}
	}
	c.check(tb, n, err)
}

// check holds an error against whether the handler ran.
func (c *chaos) check(tb testing.TB, n int32, err error) {
	_, began := c.starts.Load(n)
	var outcome rpc.Outcome
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		outcome = e.Outcome
	} else if e, ok := errors.AsType[*rpc.ContextError](err); ok {
		outcome = e.Outcome
	} else if err != nil {
		tb.Errorf("call %d ends with the unlabelled %v", n, err)
	}
	if outcome == rpc.OutcomeNotStarted && began {
		tb.Errorf("call %d ran and ends with %v", n, err)
	}
	if err == nil && n >= 0 && !began {
		tb.Errorf("call %d is answered and never ran", n)
	}
}

// TestChaos makes 10,000 calls (100,000 where YODEL_TEST_ALL is set), cancels and cuts over many connections; none runs
// twice, none is mislabelled, nothing is left behind.
func TestChaos(t *testing.T) {
	total := 10_000
	if os.Getenv("YODEL_TEST_ALL") != "" && !raceEnabled {
		total = 100_000
	}
	before := runtime.NumGoroutine()
	c := newChaos(t)
	var next atomic.Int32
	const workers = 8
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			for int(next.Load()) < total {
				c.connection(t, r, &next)
			}
		})
	}
	all.Wait()
	if n := c.twice.Load(); n > 0 {
		t.Errorf("%d calls ran twice", n)
	}
	t.Logf("%d calls, %d handlers run", next.Load(), c.ran.Load())
	c.f.close()
	if after := runtime.NumGoroutine(); after > before+5 {
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines are left, %d there were:\n%s", after, before, buf[:runtime.Stack(buf, true)])
	}
}

// connection makes some hundred calls from several callers over one connection, which is cut in half of the runs.
func (c *chaos) connection(t *testing.T, r *rand.Rand, next *atomic.Int32) {
	conn, err := mux.Dial(context.Background(), rpc.ConnOptions{Dial: c.f.dial, Address: "test"})
	if err != nil {
		t.Error(err)
		return
	}
	var callers sync.WaitGroup
	for range 1 + r.IntN(100) {
		seed := r.Uint64()
		callers.Go(func() {
			r := rand.New(rand.NewPCG(2, seed))
			for range 1 + r.IntN(20) {
				c.call(t, conn, r, next.Add(1))
			}
		})
	}
	if r.IntN(2) == 0 {
		// a random moment to cut at, not a wait for something
		time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
		_ = conn.Close()
	}
	callers.Wait()
	_ = conn.Close()
}

// A splitConn gives what it reads in pieces of random size.
type splitConn struct {
	net.Conn
	r *rand.Rand
}

func (c *splitConn) Read(b []byte) (int, error) {
	return c.Conn.Read(b[:min(len(b), 1+c.r.IntN(20))])
}

// FuzzServer feeds a server bytes behind a good handshake, split anywhere.
func FuzzServer(f *testing.F) {
	f.Add([]byte(frame(tCall, fName, 0, 1, divideBody)), uint64(1))
	f.Add([]byte(frame(tCall, fName, 0, 1, divideBody)+frame(tCall, 0, 0, 2, "\x08\x06")+frame(tCancel, 0, 0, 2, "")),
		uint64(2))
	f.Add([]byte(frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+u32(30)+"\x0a\x1cxxx")+
		frame(tMore, 0, 0, 1, "yyyyyyyyyy")), uint64(3))
	f.Add([]byte(frame(tCall, fName|fDeadline|fMetadata, 0, 1,
		named("test.Test/divide")+u64(1e9)+u32(8)+u16(1)+"k"+u32(1)+"v"+"\x08\x06\x10\x02")), uint64(4))
	f.Add([]byte(frame(tPing, 0, 0, 0, "12345678")+frame(tGoAway, 0, 0, 0, "\x01x")+frame(tUnknown, 1, 2, 3, "x")),
		uint64(5))
	d, err := rpc.NewDispatcher([]*rpc.Service{handlers{}.service()},
		rpc.DispatcherOptions{Limits: rpc.ServerLimits{Limits: rpc.Limits{Calls: 100}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		s := mux.NewServer(d)
		ours, theirs := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			s.ServeConn(&splitConn{theirs, rand.New(rand.NewPCG(seed, 1))}, nil, new(rpc.Peer))
		}()
		go func() {
			_, _ = ours.Write(append([]byte(hello+frame(tSettings, 0, 0, 0, "")), data...))
			_ = s.Close()
		}()
		_, _ = io.Copy(io.Discard, ours)
		_ = ours.Close()
		<-served
	})
}

// FuzzClient feeds a client bytes in answer to a call.
func FuzzClient(f *testing.F) {
	f.Add([]byte(frame(tResult, 0, 0, 0, "\x0d\x00\x00\x40\x40")), uint64(1))
	f.Add([]byte(frame(tException, 0, 0, 0, "\x0a\x01x")), uint64(2))
	f.Add([]byte(frame(tError, fRefused, 0, 0, "\x0cno")), uint64(3))
	f.Add([]byte(frame(tResult, fPieces, 0, 0, u32(5)+"\x0d\x00")+frame(tMore, 0, 0, 0, "\x00\x40\x40")), uint64(4))
	f.Add([]byte(frame(tGoAway, 0, 0, 0, "\x0ebye")+frame(tResult, fMetadata, 0, 0, u32(8)+u16(1)+"k"+u32(1)+"v")),
		uint64(5))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		ours, theirs := net.Pipe()
		go func() {
			_, _ = ours.Write([]byte(hello + frame(tSettings, 0, 0, 0, "")))
			_, _ = ours.Write(data)
			_ = ours.Close()
		}()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		conn, err := mux.Dial(t.Context(), rpc.ConnOptions{
			Dial: func(context.Context) (net.Conn, error) {
				return &splitConn{theirs, rand.New(rand.NewPCG(seed, 1))}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = callDivide(t.Context(), conn, 6, 2)
		_ = conn.Close()
	})
}
