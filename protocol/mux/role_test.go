package mux_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// lone makes calls one after another until callers read their own answers.
func lone(t *testing.T, ch rpc.Channel) {
	t.Helper()
	for range 200 {
		if got, err := callDivide(context.Background(), ch, 6, 2); err != nil || got != 3 {
			t.Fatalf("divide(6, 2) = %v, %v", got, err)
		}
	}
}

func TestLoneCallerThenMany(t *testing.T) {
	t.Parallel()
	overNetworks(t, func(t *testing.T, n nettest.Network) {
		c := serve(t, n, rpc.ServerLimits{}, handlers{}.service()).conn(t)
		for range 20 {
			lone(t, c)
			var callers sync.WaitGroup
			for n := range int32(10) {
				callers.Go(func() {
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					if n%2 == 0 {
						ctx = context.Background()
					}
					for range 20 {
						if got, err := callDivide(ctx, c, n, 2); err != nil || got != float32(n)/2 {
							t.Errorf("divide(%d, 2) = %v, %v", n, got, err)
						}
					}
				})
			}
			callers.Wait()
		}
	})
}

// A caller that reads for itself ends by its deadline, and the answer of another call reaches its own caller.
func TestLoneCallerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := handlers{wait: func(ctx context.Context, a int32) error {
			if a == 1 {
				<-release
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		c := pipeConn(t, rpc.ServerLimits{}, h)
		lone(t, c)
		start := time.Now()
		_, err := callNumbers(rpc.WithTimeout(context.Background(), time.Second), c, wait, 2, 1)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		lone(t, c)
		first := make(chan error)
		go func() {
			_, err := callNumbers(context.Background(), c, wait, 1, 1)
			first <- err
		}()
		synctest.Wait()
		lone(t, c) // while the first reads for all
		close(release)
		if err := <-first; err != nil {
			t.Errorf("the first call: %v", err)
		}
	})
}

// Close and a server that goes away are noticed while nobody calls and the reader is aside.
func TestEndWhileReaderIsAside(t *testing.T) {
	t.Parallel()
	t.Run("server closes", func(t *testing.T) {
		t.Parallel()
		f := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service())
		c := f.conn(t)
		lone(t, c)
		f.close()
		<-c.Done()
	})
	t.Run("client closes", func(t *testing.T) {
		t.Parallel()
		c := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service()).conn(t)
		lone(t, c)
		_ = c.Close()
	})
	t.Run("client closes under a lone call", func(t *testing.T) {
		t.Parallel()
		entered := make(chan struct{})
		h := handlers{wait: func(ctx context.Context, _ int32) error { close(entered); <-ctx.Done(); return nil }}
		c := serve(t, nettest.TCP, rpc.ServerLimits{}, h.service()).conn(t)
		lone(t, c)
		ended := make(chan error)
		go func() {
			_, err := callNumbers(context.Background(), c, wait, 1, 1)
			ended <- err
		}()
		<-entered
		_ = c.Close()
		if e, ok := errors.AsType[*rpc.Error](<-ended); !ok || e.Code != rpc.Unavailable ||
			e.Outcome != rpc.OutcomeUnknown {
			t.Errorf("the call ends with %v", e)
		}
	})
}
