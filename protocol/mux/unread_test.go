package mux_test

import (
	"context"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// produce answers with A bytes that it makes after B milliseconds.
var produce = rpc.NewUnary[numbers, blob](rpc.Method{Service: "test.Test", Name: "produce"})

func produceService(began *atomic.Int64) *rpc.Service {
	return rpc.NewService("test.Test",
		produce.Handle(func(ctx context.Context, in *numbers, out *blob) error {
			began.Add(1)
			if in.B > 0 {
				time.Sleep(time.Duration(in.B) * time.Millisecond) // work, and no wait for something
			}
			out.Data = make([]byte, in.A)
			return nil
		}),
		divide.Handle(func(_ context.Context, in *numbers, out *quotient) error {
			out.Result = float32(in.A) / float32(in.B)
			return nil
		}))
}

// varint is v as protobuf has it.
func varint(v int) string {
	var b []byte
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return string(append(b, byte(v)))
}

// producing is n calls of produce, in one batch, in the slots from 0.
func producing(n, size, ms int) string {
	var calls strings.Builder
	for i := range n {
		if i == 0 {
			calls.WriteString(frame(tCall, fName, 0, 0,
				named("test.Test/produce")+"\x08"+varint(size)+"\x10"+varint(ms)))
			continue
		}
		calls.WriteString(frame(tCall, 0, 0, uint32(i), "\x08"+varint(size)+"\x10"+varint(ms)))
	}
	return calls.String()
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A client that reads nothing costs Limits.Answers and one message more, whatever it calls; a neighbour notices
// nothing.
func TestUnreadAnswersAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name            string
		calls, size, ms int
		warm            int // small calls of the same method before, all answered
	}{
		{"4 MiB x 1000", 1000, 4<<20 - 100, 0, 0},
		{"1 MiB x 2000", 2000, 1 << 20, 0, 0},
		{"40 KiB x 9000", 9000, 40 << 10, 0, 0},
		{"4 MiB x 1000 after 50 ms", 1000, 4<<20 - 100, 50, 0},
		{"1 MiB x 1000 after 5 ms", 1000, 1 << 20, 5, 0},
		{"4 MiB x 1000 after small ones", 1000, 4<<20 - 100, 0, 2000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var began atomic.Int64
			f := serve(t, nettest.TCP, rpc.ServerLimits{}, produceService(&began))
			neighbour := f.conn(t)
			r := rawClient(t, f)
			for i := range tt.warm {
				r.send(frame(tCall, fName, 0, uint32(i)<<16, named("test.Test/produce")+"\x08\x01"))
				r.read()
			}
			before := heap()
			began.Store(0)
			r.send(producing(tt.calls, tt.size, tt.ms))
			var took []time.Duration
			peak := 0
			for end := time.Now().Add(time.Second); time.Now().Before(end); {
				start := time.Now()
				if _, err := callDivide(t.Context(), neighbour, 6, 2); err != nil {
					t.Fatal(err)
				}
				took = append(took, time.Since(start))
				if len(took)%5000 == 1 {
					peak = max(peak, heap()-before)
				}
			}
			peak = max(peak, heap()-before)
			slices.Sort(took)
			t.Logf("%d handlers began; heap +%d KiB; the neighbour's p99 is %v", began.Load(), peak>>10,
				took[len(took)*99/100])
			if limit := 24 << 20; peak > limit {
				t.Errorf("the heap grew by %d bytes; the limit is %d", peak, limit)
			}
			if p99 := took[len(took)*99/100]; p99 > 200*time.Millisecond { // on a loaded machine; 10 ms is the aim
				t.Errorf("a neighbour's p99 is %v", p99)
			}
		})
	}
}

// A client that stops reading and goes on later gets every answer, from the reader's handlers and the workers', in
// serial mode too.
func TestUnreadAnswersAllArrive(t *testing.T) {
	t.Parallel()
	for _, serial := range []bool{false, true} {
		for _, ms := range []int{0, 1} {
			var began atomic.Int64
			f := serveAs(t, nettest.TCP, rpc.ServerLimits{Answers: 1 << 20}, serial, produceService(&began))
			r := rawClient(t, f)
			r.send(producing(200, 300_000, ms))
			for began.Load() < 4 {
				runtime.Gosched()
			}
			got := make(map[uint32]int)
			for total := 0; total < 200*300_000; {
				a := r.read()
				if a.kind != tResult && a.kind != tMore && a.kind != tPong {
					t.Fatalf("an answer is %+v", a)
				}
				got[a.id] += len(a.body)
				total += len(a.body)
			}
			if len(got) < 200 {
				t.Errorf("%d calls are answered", len(got))
			}
		}
	}
}

// Handlers that call back over the connection on which they were called go on, however large their answers are.
func TestCallsBackForLargeAnswers(t *testing.T) {
	t.Parallel()
	var c *mux.Conn
	deep := rpc.NewUnary[numbers, blob](rpc.Method{Service: "test.Test", Name: "deep"})
	var call func(ctx context.Context, n int32) (int, error)
	f := serve(t, nettest.TCP, rpc.ServerLimits{Answers: 1000}, rpc.NewService("test.Test",
		deep.Handle(func(ctx context.Context, in *numbers, out *blob) error {
			out.Data = make([]byte, 100_000)
			if in.A == 0 {
				return nil
			}
			_, err := call(ctx, in.A-1)
			return err
		})))
	c = f.conn(t)
	call = func(ctx context.Context, n int32) (int, error) {
		call := deep.NewCall()
		defer call.Release()
		call.In.A = n
		err := c.Call(ctx, &call.Call)
		return len(call.Out.Data), err
	}
	for range 2 { // the second time their size is known
		if n, err := call(t.Context(), 3); n != 100_000 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

// A caller that asks for large answers from slow handlers does not hold up small calls of the same connection.
func TestSmallCallsOvertakeLargeOnes(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := rpc.NewUnary[numbers, blob](rpc.Method{Service: "test.Slow", Name: "slow"})
	f := serve(t, nettest.TCP, rpc.ServerLimits{Answers: 1000}, handlers{}.service(), rpc.NewService("test.Slow",
		slow.Handle(func(_ context.Context, in *numbers, out *blob) error {
			out.Data = make([]byte, 100_000)
			if in.A > 0 {
				<-release
			}
			return nil
		})))
	c := f.conn(t)
	ask := func(a int32) {
		call := slow.NewCall()
		defer call.Release()
		call.In.A = a
		if err := c.Call(t.Context(), &call.Call); err != nil {
			t.Error(err)
		}
	}
	ask(0)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() { ask(1) })
	}
	for range 100 {
		if got, err := callDivide(t.Context(), c, 6, 2); err != nil || got != 3 {
			t.Fatal(got, err)
		}
	}
	close(release)
	callers.Wait()
}

// The context of a handler ends when its client does, whatever stands behind its call.
func TestPeersEndIsNoticed(t *testing.T) {
	t.Parallel()
	calls := func(n, size int) string { // of divide, with an unknown field to make them long
		var b strings.Builder
		for i := range n {
			b.WriteString(frame(tCall, fName, 1, uint32(100+i),
				named("test.Test/divide")+"\x08\x06\x10\x02"+"\x7a"+varint(size)+strings.Repeat("x", size)))
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, behind string
		serial       bool
		// only the end of both directions is noticed: that of one stands behind bytes without room here
		whole bool
	}{
		{"nothing", "", false, false},
		{"calls", calls(9000, 100), false, false},
		{"calls in serial mode", calls(2000, 100), true, false},
		{"a little more than is read ahead, in serial mode", calls(142, 30_000), true, false},
		{"12 MB, in serial mode", calls(400, 30_000), true, true},
		{"unread answers", producing(90, 4<<20-100, 0), false, false},
		{"unread answers, and a little more than is read ahead", producing(90, 4<<20-100, 0) + calls(142, 30_000),
			false, false},
		{"unread answers, and 12 MB", producing(90, 4<<20-100, 0) + calls(400, 30_000), false, true},
	} {
		for _, half := range []bool{false, true} {
			if half && tt.whole {
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				entered, ended := make(chan struct{}, 1), make(chan time.Time, 1)
				var began atomic.Int64
				h := handlers{wait: func(ctx context.Context, _ int32) error {
					entered <- struct{}{}
					<-ctx.Done()
					ended <- time.Now()
					return nil
				}}
				services := []*rpc.Service{produceService(&began),
					rpc.NewService("test.Wait", wait.Handle(func(ctx context.Context, in *numbers, _ *quotient) error {
						return h.wait(ctx, in.A)
					}))}
				f := serveAs(t, nettest.TCP, rpc.ServerLimits{}, tt.serial, services...)
				r := rawClient(t, f)
				r.send(frame(tCall, fName, 7, 99, named("wait")+"\x08\x01"))
				<-entered
				sent := make(chan struct{})
				go func() { // the server may not read all of it
					defer close(sent)
					_ = r.nc.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
					r.send(tt.behind)
				}()
				<-sent
				start := time.Now()
				if half {
					_ = r.nc.(*net.TCPConn).CloseWrite()
				} else {
					_ = r.nc.Close()
				}
				select {
				case at := <-ended:
					t.Logf("after %v", at.Sub(start))
				case <-time.After(5 * time.Second):
					t.Error("the handler runs on")
				}
			})
		}
	}
}
