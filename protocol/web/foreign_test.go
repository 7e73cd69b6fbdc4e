package web_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// A foreign context is of a type that package context does not know, and panics when it is asked why it has ended.
type foreign struct {
	context.Context
	done chan struct{}
}

func (c *foreign) Done() <-chan struct{} { return c.done }

func (c *foreign) Err() error {
	select {
	case <-c.done:
		panic("a test's context panics")
	default:
		return nil
	}
}

// What a caller's context does when it has ended costs the caller, and not the process.
func TestForeignContextThatPanics(t *testing.T) { overAll(t, testForeignContextThatPanics) }

func testForeignContextThatPanics(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	for _, deadline := range []bool{false, true} {
		c := s.dial(t, rpc.ConnOptions{})
		base := context.Background()
		if deadline {
			var cancel context.CancelFunc
			base, cancel = context.WithTimeout(base, time.Minute)
			defer cancel()
		}
		ctx := &foreign{base, make(chan struct{})}
		go func() {
			<-s.waiting
			close(ctx.done)
		}()
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the context's panic did not reach the caller")
				}
			}()
			_, err := divide.NewClient(c).Divide(ctx, waits)
			t.Errorf("the call returned %v", err)
		}()
		<-c.Done()
		_, err := divide.NewClient(c).Divide(t.Context(), 1)
		wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
	}
}

// The deadline of a foreign context is kept without its help.
func TestForeignContextDeadline(t *testing.T) { overAll(t, testForeignContextDeadline) }

func testForeignContextDeadline(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	c := s.dial(t, rpc.ConnOptions{})
	base, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	go func() {
		select {
		case <-s.waiting:
		case <-t.Context().Done(): // the call ended before it came to the handler
		}
	}()
	_, err := divide.NewClient(c).Divide(&foreign{base, nil}, waits)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call returned %v", err)
	}
}
