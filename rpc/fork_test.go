package rpc_test

import (
	"context"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// A Body that an interceptor has put in place of another runs once in a call and all of its forks.
func TestForksShareTheirBody(t *testing.T) {
	t.Parallel()
	c := rpc.NewStreamCall(&rpc.Method{Service: "test.Test", Name: "s", ServerStream: true},
		func(context.Context, rpc.Stream) error { return nil })
	body, ran := c.Body, 0
	c.Body = func(ctx context.Context, s rpc.Stream) error {
		ran++
		return body(ctx, s)
	}
	a, b := c.Fork(), c.Fork()
	if err := a.Run(t.Context(), nil); err != nil {
		t.Errorf("the first fork: %v", err)
	}
	if err := b.Run(t.Context(), nil); err == nil {
		t.Error("a second fork ran as well")
	}
	if ran != 1 {
		t.Errorf("what the interceptor put in place ran %d times", ran)
	}
}
