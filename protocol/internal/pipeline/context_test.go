package pipeline_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A panickyContext has ended once it is waited for, and panics when it is asked why.
type panickyContext struct {
	context.Context
	ended chan struct{}
}

func (c panickyContext) Done() <-chan struct{} {
	close(c.ended)
	return c.ended
}

func (c panickyContext) Err() error {
	select {
	case <-c.ended:
		panic("why")
	default:
		return nil
	}
}

// A context that panics costs the call that it was given for, and not the connection.
func TestContextPanics(t *testing.T) {
	t.Parallel()
	server, nc := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	letters := make(chan byte, 2)
	letters <- 'x'
	letters <- 'x'
	o := rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) { return nc, nil }}
	c, err := pipeline.Dial(t.Context(), o, "letters",
		func(rpc.Limits) pipeline.ClientCodec { return panickyClient{letters} })
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if p := recover(); p != "why" {
				t.Errorf("the call panicked with %v", p)
			}
		}()
		_, _ = divide.NewClient(open{c}).Divide(panickyContext{t.Context(), make(chan struct{})}, 1)
	}()
	answered := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := divide.NewClient(open{c}).Divide(ctx, 1)
		answered <- err
	}()
	select {
	case err := <-answered:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the next call returned %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the next call does not return")
	}
	server.Close()
	c.Close()
}
