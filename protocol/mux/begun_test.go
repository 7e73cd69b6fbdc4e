package mux_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// beginning is the first frame of a call in the given slot: one byte of total.
func beginning(slot, total int) string {
	return frame(tCall, fName|fPieces, 0, uint32(slot), named("test.Test/echo")+u32(total)+"x")
}

// pipeClient is rawClient in a bubble.
func pipeClient(t *testing.T, limits rpc.ServerLimits, h handlers) raw {
	t.Helper()
	r := raw{t, pipeServer(t, limits, h)}
	go r.send(hello + frame(tSettings, 0, 0, 0, ""))
	_, _ = io.ReadFull(r.nc, make([]byte, len(hello)))
	if got := r.read(); got.kind != tSettings {
		t.Fatalf("the server's first frame is %+v", got)
	}
	return r
}

// Calls of which only a byte has come take little memory, and are answered when their time is over; the connection
// lives on.
func TestBegunCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 10_000
		r := pipeClient(t, rpc.ServerLimits{}, handlers{})
		before := heap()
		start := time.Now()
		for slot := range calls {
			r.send(beginning(slot, 4<<20))
		}
		synctest.Wait()
		if grown := heap() - before; grown > 16<<20 {
			t.Errorf("%d calls of which a byte came take %d bytes", calls, grown)
		}
		for range calls {
			_ = r.nc.SetReadDeadline(time.Now().Add(time.Hour))
			if got := r.readFrame(); got.kind != tError || got.flags != fRefused ||
				got.body[0] != byte(rpc.DeadlineExceeded) ||
				!strings.Contains(got.body, "not whole 30s after") {
				t.Fatalf("an answer is %+v", got)
			}
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("the last one ends after %v", took)
		}
		r.send(frame(tMore, 0, 0, 0, "late") + frame(tCall, fName, 1, 0, divideBody))
		if got := r.read(); got.kind != tResult {
			t.Errorf("afterwards divide(6, 2) is %+v", got)
		}
	})
}

// A message has its time as a whole: a piece or a byte now and then does not renew it. What comes fast enough has more.
func TestDripFeeding(t *testing.T) {
	t.Parallel()
	call := frame(tCall, fName, 0, 1, named("test.Test/echo")+strings.Repeat("x", 100))
	for _, tt := range []struct {
		name   string
		drip   func(i int) string
		want   time.Duration
		reason string
	}{
		{"the bytes of a call", func(i int) string {
			return call[i : i+1]
		}, 30 * time.Second, "not whole 30s after its first byte"},
		{"pieces", func(i int) string {
			if i == 0 {
				return beginning(1, 1<<20)
			}
			return frame(tMore, 0, 0, 1, "x")
		}, 30 * time.Second, "not whole 30s after"},
		{"the bytes of a piece", func(i int) string {
			if i == 0 {
				return beginning(1, 1<<20) + frame(tMore, 0, 0, 1, strings.Repeat("x", 100))[:50]
			}
			return "x"
		}, 30 * time.Second, "not whole 30s after"},
		{"the bytes of a piece of no call", func(i int) string {
			return frame(tMore, 0, 0, 5, strings.Repeat("x", 100))[13*i : 13*i+13]
		},
			30 * time.Second, "not whole 30s after"},
		{"16 KiB each time", func(i int) string {
			if i == 0 {
				return beginning(1, 1<<20)
			}
			return frame(tMore, 0, 0, 1, strings.Repeat("x", 16<<10))
		}, 33 * time.Second, "not whole 30s after"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := pipeClient(t, rpc.ServerLimits{}, handlers{})
				start := time.Now()
				var dripping sync.WaitGroup
				dripping.Go(func() {
					for i := range 6 {
						r.send(tt.drip(i))
						time.Sleep(9 * time.Second)
					}
				})
				_ = r.nc.SetReadDeadline(time.Now().Add(time.Hour))
				if got := r.readFrame(); got.kind != tGoAway && got.kind != tError ||
					!strings.Contains(got.body, tt.reason) {
					t.Errorf("it ends with %+v", got)
				}
				if took := time.Since(start); took != tt.want {
					t.Errorf("after %v; want %v", took, tt.want)
				}
				_ = r.nc.Close()
				dripping.Wait()
			})
		})
	}
}

// The time for preface and settings counts from when the connection was accepted, once.
func TestGreetingHasItsTimeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		peer := &rpc.Peer{Accepted: time.Now().Add(-4 * time.Second)}
		nc := pipeServerOf(t, rpc.ServerLimits{}, handlers{}, peer)
		var dripping sync.WaitGroup
		dripping.Go(func() {
			for _, c := range []byte(hello + frame(tSettings, 0, 0, 0, "")) {
				if _, err := nc.Write([]byte{c}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		readToEnd(nc)
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("it ends after %v", took)
		}
		dripping.Wait()
	})
}

// Begun calls may take so much memory; one more is refused, and the others go on.
func TestBegunBytesAreBounded(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{Limits: rpc.Limits{Message: 64 << 10}}, handlers{}.service())
	r := rawClient(t, f)
	body := "\x0a" + varint(60_000) + strings.Repeat("x", 60_000)
	for slot := range 9 {
		r.send(frame(tCall, fName|fPieces, 0, uint32(slot), named("test.Test/echo")+u32(len(body))+body[:59_000]))
	}
	if got := r.read(); got.kind != tError || got.flags != fRefused || got.id != 8 ||
		got.body[0] != byte(rpc.ResourceExhausted) {
		t.Errorf("the ninth is answered with %+v", got)
	}
	for slot := range 9 {
		r.send(frame(tMore, 0, 0, uint32(slot), body[59_000:]))
	}
	for range 8 {
		if got := r.read(); got.kind != tResult && got.kind != tMore {
			t.Errorf("the others are answered with %+v", got)
		}
	}
}

// Ten large calls at once are no more than a server takes.
func TestManyLargeCallsAtOnce(t *testing.T) {
	t.Parallel()
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service()).conn(t)
	done := make(chan error)
	for range 20 {
		go func() {
			_, err := callEcho(context.Background(), c, make([]byte, 4<<20-100))
			done <- err
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// An answer in pieces has its time at a client, too.
func TestBegunAnswersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := scripted(t, func(server raw) {
			id := server.read().id
			server.send(frame(tResult, fPieces, 0, id, u32(1<<20)+"x"))
			_ = server.nc.SetReadDeadline(time.Time{})
			go func() { _, _ = io.Copy(io.Discard, server.nc) }()
			for range 3 {
				time.Sleep(9 * time.Second)
				server.send(frame(tMore, 0, 0, id, "x"))
			}
		})
		_, err := callEcho(t.Context(), c, nil)
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("after %v", took)
		}
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unavailable ||
			!strings.Contains(e.Error(), "not whole 30s after") {
			t.Errorf("the call ends with %v", err)
		}
		<-c.Done()
		_ = c.Close()
	})
}

// Nothing but calls that run holds a Shutdown for longer than a second.
func TestShutdownOfSilentPeers(t *testing.T) {
	t.Parallel()
	whole := hello + frame(tSettings, 0, 0, 0, "")
	for _, sent := range []string{"", hello[:5], hello, whole[:15], whole, whole + "\x01\x00",
		whole + beginning(1, 1000),
		whole + beginning(1, 1000) + frame(tMore, 0, 0, 1, "xxxx")[:14]} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				nc, s := pipeServerAnd(t, rpc.ServerLimits{}, handlers{}, new(rpc.Peer))
				go func() { _, _ = io.Copy(io.Discard, nc) }()
				_, _ = io.WriteString(nc, sent)
				synctest.Wait()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Errorf("after %q: %v", sent, err)
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("after %q: it took %v", sent, took)
				}
			})
		})
	}
}

// A call that runs is let finish and answered, although its client does not answer PING.
func TestShutdownOfSilentPeerWithACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h := handlers{wait: func(context.Context, int32) error { time.Sleep(5 * time.Second); return nil }}
		nc, s := pipeServerAnd(t, rpc.ServerLimits{}, h, new(rpc.Peer))
		r := raw{t, nc}
		answered := make(chan rawFrame, 1)
		go func() {
			_, _ = io.ReadFull(nc, make([]byte, len(hello)))
			for {
				_ = nc.SetReadDeadline(time.Now().Add(time.Hour))
				switch f := r.readFrame(); f.kind {
				case tResult:
					answered <- f
				case 0:
					close(answered)
					_ = nc.Close()
					return
				}
			}
		}()
		r.send(hello + frame(tSettings, 0, 0, 0, "") + frame(tCall, fName, 0, 1, named("test.Test/wait")+"\x08\x01"))
		synctest.Wait()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if f := <-answered; f.kind != tResult {
			t.Error("the call is not answered")
		}
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A swallower is a connection whose bytes get lost from a moment on.
type swallower struct {
	net.Conn
	lost chan struct{}
}

func (s *swallower) Write(b []byte) (int, error) {
	select {
	case <-s.lost:
		return len(b), nil
	default:
		return s.Conn.Write(b)
	}
}

// A connection that the network has swallowed is given up when PING is not answered either.
func TestSwallowedConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, alone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			conn := &swallower{pipeServer(t, rpc.ServerLimits{}, handlers{}), make(chan struct{})}
			c := dialOver(t, conn)
			if alone {
				lone(t, c)
			}
			time.Sleep(time.Hour)
			close(conn.lost)
			time.Sleep(time.Hour) // without a call nobody looks
			start := time.Now()
			ctx := context.Background()
			if !alone {
				ctx = t.Context()
			}
			_, err := callDivide(ctx, c, 6, 2)
			if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeUnknown ||
				!strings.Contains(err.Error(), "nothing came from the server for 20s") {
				t.Errorf("the call ends with %v", err)
			}
			if took := time.Since(start); took != 20*time.Second {
				t.Errorf("after %v", took)
			}
			<-c.Done()
		})
	}
}

// Calls that time out one after another do not keep a swallowed connection.
func TestSwallowedConnectionWithDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := &swallower{pipeServer(t, rpc.ServerLimits{}, handlers{}), make(chan struct{})}
		c := dialOver(t, conn)
		close(conn.lost)
		start := time.Now()
		for !isClosed(c.Done()) {
			_, _ = callDivide(rpc.WithTimeout(context.Background(), time.Second), c, 6, 2)
		}
		if took := time.Since(start); took > 23*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

// A server whose handler takes long answers PING, and keeps the connection.
func TestSlowCallIsNoSilence(t *testing.T) {
	t.Parallel()
	elapsed(t, time.Hour, func(t *testing.T) {
		c := pipeConn(t, rpc.ServerLimits{}, handlers{wait: func(context.Context, int32) error {
			time.Sleep(time.Hour)
			return nil
		}})
		if _, err := callNumbers(t.Context(), c, wait, 1, 1); err != nil {
			t.Error(err)
		}
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
