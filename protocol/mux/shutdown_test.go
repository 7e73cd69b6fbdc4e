package mux_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

func TestShutdown(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	h := handlers{wait: func(context.Context, int32) error { close(started); <-release; return nil }}
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, h.service())
	c := f.conn(t)
	result := make(chan error, 1)
	go func() {
		_, err := callNumbers(t.Context(), c, wait, 1, 1)
		result <- err
	}()
	<-started
	down := make(chan error, 1)
	go func() { down <- f.server.Shutdown(context.Background()) }()
	<-c.Done()
	if _, err := callDivide(t.Context(), c, 1, 1); err == nil || !strings.Contains(err.Error(), "not started") {
		t.Errorf("a call after GOAWAY gives %v", err)
	}
	close(release)
	if err := <-result; err != nil {
		t.Errorf("the running call gives %v", err)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown gives %v", err)
	}
}

// A connection that comes after Shutdown is told so, and not hung up on: its calls are refused as not started.
func TestConnectionAfterShutdown(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service())
	if err := f.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := f.conn(t)
	_, err := callDivide(t.Context(), c, 1, 1)
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unavailable || e.Outcome != rpc.OutcomeNotStarted {
		t.Errorf("a call gives %v; want unavailable, not started", err)
	}
	<-c.Done()
	if err := c.Err(); !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("the connection ended with %v", err)
	}
	if err := f.server.Shutdown(t.Context()); err != nil {
		t.Errorf("a second Shutdown gives %v", err)
	}
}

// A handler that heeds nothing does not hold up Shutdown, which cuts the others.
func TestShutdownEnds(t *testing.T) {
	t.Parallel()
	started, cut, release := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
	h := handlers{wait: func(ctx context.Context, a int32) error {
		started <- struct{}{}
		if a == 1 {
			<-release
			return nil
		}
		<-ctx.Done()
		close(cut)
		return ctx.Err()
	}}
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, h.service())
	defer close(release)
	c := f.conn(t)
	var callers sync.WaitGroup
	for a := range int32(2) {
		callers.Go(func() {
			if _, err := callNumbers(t.Context(), c, wait, a, 1); err == nil {
				t.Errorf("call %d is answered", a)
			}
		})
	}
	<-started
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := f.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown gives %v", err)
	}
	<-cut
	callers.Wait()
}
