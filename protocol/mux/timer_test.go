package mux_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// pipeServer serves one end of a pipe in the test's bubble and returns the other.
func pipeServer(t *testing.T, limits rpc.ServerLimits, h handlers) net.Conn {
	t.Helper()
	return pipeServerOf(t, limits, h, new(rpc.Peer))
}

func pipeServerOf(t *testing.T, limits rpc.ServerLimits, h handlers, peer *rpc.Peer) net.Conn {
	t.Helper()
	nc, _ := pipeServerAnd(t, limits, h, peer)
	return nc
}

func pipeServerAnd(t *testing.T, limits rpc.ServerLimits, h handlers, peer *rpc.Peer) (net.Conn, *mux.Server) {
	t.Helper()
	d, err := rpc.NewDispatcher([]*rpc.Service{h.service()}, rpc.DispatcherOptions{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	s := mux.NewServer(d)
	ours, theirs := net.Pipe()
	go s.ServeConn(theirs, nil, peer)
	t.Cleanup(func() {
		_ = ours.Close()
		_ = s.Close()
	})
	return ours, s
}

func pipeConn(t *testing.T, limits rpc.ServerLimits, h handlers) *mux.Conn {
	t.Helper()
	return dialOver(t, pipeServer(t, limits, h))
}

func dialOver(t *testing.T, nc net.Conn) *mux.Conn {
	t.Helper()
	c, err := mux.Dial(t.Context(), rpc.ConnOptions{
		Dial: func(context.Context) (net.Conn, error) { return nc, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// elapsed runs f in a bubble and checks how long it took by the bubble's clock.
func elapsed(t *testing.T, want time.Duration, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f(t)
		if d := time.Since(start); d != want {
			t.Errorf("it took %v, want %v", d, want)
		}
	})
}

func TestSilentClientIsClosed(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{"", "\xd7", hello[:7], hello, hello + "\x00\x00"} {
		elapsed(t, 10*time.Second, func(t *testing.T) {
			nc := pipeServer(t, rpc.ServerLimits{}, handlers{})
			go func() { _, _ = nc.Write([]byte(sent)) }()
			t.Logf("after %q the server sent %q", sent, readToEnd(nc))
		})
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	t.Parallel()
	elapsed(t, 10*time.Second, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go readToEnd(theirs)
		_, err := mux.Dial(t.Context(), rpc.ConnOptions{
			Dial:    func(context.Context) (net.Conn, error) { return ours, nil },
			Address: "there",
		})
		if err == nil || !strings.Contains(err.Error(), "there does not answer as a mux server") {
			t.Errorf("Dial gives %v", err)
		}
	})
}

func TestDialEndsWithItsContext(t *testing.T) {
	t.Parallel()
	elapsed(t, time.Second, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go readToEnd(theirs)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := mux.Dial(ctx, rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) { return ours, nil }})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial gives %v", err)
		}
	})
}

func TestStallInsideAFrame(t *testing.T) {
	t.Parallel()
	piece := frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+u32(900)+"x")
	for _, sent := range []string{"\x01", frame(tCall, fName, 0, 1, divideBody)[:20],
		piece + frame(tMore, 0, 0, 1, "0123456789")[:15]} {
		elapsed(t, 30*time.Second, func(t *testing.T) {
			nc := pipeServer(t, rpc.ServerLimits{}, handlers{})
			go func() { _, _ = nc.Write([]byte(hello + frame(tSettings, 0, 0, 0, "") + sent)) }()
			if got := readToEnd(nc); !strings.Contains(got, "not whole 30s after its first byte") {
				t.Errorf("after %q the server sent %q", sent, got)
			}
		})
	}
}

// A connection without calls may stay as long as it likes.
func TestIdleConnectionStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := pipeConn(t, rpc.ServerLimits{}, handlers{})
		time.Sleep(24 * time.Hour)
		if got, err := callDivide(t.Context(), c, 6, 2); err != nil || got != 3 {
			t.Errorf("divide(6, 2) = %v, %v", got, err)
		}
	})
}

// A handler that blocks on the reader holds up other calls for two looks of the watchdog, once, and the watchdog ends
// when there is nothing to look at.
func TestReaderThatBlocksIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := pipeConn(t, rpc.ServerLimits{}, handlers{wait: func(_ context.Context, a int32) error {
			if a == 1 {
				<-release
			}
			return nil
		}})
		for range 1000 { // none takes any time, so the method runs on the reader
			if _, err := callNumbers(t.Context(), c, wait, 0, 1); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		var blocked sync.WaitGroup
		for _, want := range []time.Duration{2 * time.Millisecond, 0} {
			blocked.Go(func() {
				if _, err := callNumbers(t.Context(), c, wait, 1, 1); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			start := time.Now()
			if got, err := callDivide(t.Context(), c, 6, 2); err != nil || got != 3 {
				t.Errorf("divide(6, 2) = %v, %v", got, err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("it took %v; want %v", took, want)
			}
		}
		close(release)
		blocked.Wait()
	})
}

func TestDeadlinesAreExact(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{time.Millisecond, time.Second, time.Hour} {
		elapsed(t, timeout, func(t *testing.T) {
			c := pipeConn(t, rpc.ServerLimits{}, handlers{})
			for _, later := range []time.Duration{3, 2, 1} { // later ones first: the timer must move forward
				go func() {
					_, _ = callNumbers(rpc.WithTimeout(t.Context(), timeout*(later+1)), c, wait, 1, 1)
				}()
				synctest.Wait()
			}
			_, err := callNumbers(rpc.WithTimeout(t.Context(), timeout), c, wait, 1, 1)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestServerSeesTheTimeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var left, ended time.Duration
		h := handlers{wait: func(ctx context.Context, _ int32) error {
			deadline, _ := ctx.Deadline()
			start := time.Now()
			left = deadline.Sub(start)
			<-ctx.Done()
			ended = time.Since(start)
			return ctx.Err()
		}}
		c := pipeConn(t, rpc.ServerLimits{CallTime: time.Minute}, h)
		for _, tt := range []struct{ client, want time.Duration }{{5 * time.Second, 5 * time.Second},
			{time.Hour, time.Minute}, {0, time.Minute}} {
			ctx := t.Context()
			if tt.client > 0 {
				ctx = rpc.WithTimeout(ctx, tt.client)
			}
			_, err := callNumbers(ctx, c, wait, 1, 1)
			synctest.Wait()
			if left != tt.want || ended != tt.want {
				t.Errorf("with %v the handler sees %v left, and its context ends after %v; want %v", tt.client, left,
					ended, tt.want)
			}
			e, _ := errors.AsType[*rpc.Error](err)
			if capped := tt.want != tt.client; capped != (e != nil && e.Code == rpc.DeadlineExceeded) {
				t.Errorf("with %v the error is %v", tt.client, err)
			}
		}
	})
}

// A caller whose server does not read still ends on time, and so does the one that happens to write.
func TestServerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	elapsed(t, 2*time.Second, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { // a handshake and then nothing
			buf := make([]byte, 1024)
			_, _ = theirs.Read(buf)
			_, _ = theirs.Write([]byte(hello + frame(tSettings, 0, 0, 0, "")))
		}()
		c, err := mux.Dial(t.Context(), rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) {
			return ours, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		first := make(chan error)
		go func() {
			_, err := callEcho(rpc.WithTimeout(t.Context(), 2*time.Second), c, make([]byte, 300_000))
			first <- err
		}()
		synctest.Wait()
		_, err = callDivide(rpc.WithTimeout(t.Context(), time.Second), c, 6, 2)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the second caller got %v", err)
		}
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first caller got %v", err)
		}
		_ = c.Close()
		_ = theirs.Close()
	})
}

func readToEnd(nc net.Conn) string {
	var all strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := nc.Read(buf)
		all.Write(buf[:n])
		if err != nil {
			return all.String()
		}
	}
}
