package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A handler chooses the code that its caller sees.
func ExampleErrorf() {
	handle := func(name string) error { return rpc.Errorf(rpc.NotFound, "no cat is called %q", name) }
	err := handle("Tom")
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		fmt.Println(e.Code, "-", e.Message)
	}
	// Output: not_found - no cat is called "Tom"
}

// A deadline for calls, without a timer and with nothing to cancel.
func ExampleWithTimeout() {
	ctx := rpc.WithTimeout(context.Background(), 2*time.Second)
	deadline, ok := ctx.Deadline()
	fmt.Println(time.Until(deadline).Round(time.Second), ok)
	// Output: 2s true
}

func ExampleWithMetadata() {
	ctx := rpc.WithMetadata(context.Background(), "tenant", "acme", "trace", "7f")
	fmt.Println(rpc.OutgoingMetadata(ctx).Get("tenant"))
	// Output: acme
}

// An interceptor measures every call of a channel or a server.
func ExampleInterceptor() {
	var timed rpc.Interceptor = func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			start := time.Now()
			err := next(ctx, c)
			fmt.Println(c.Method.FullName(), time.Since(start) < time.Second, err)
			return err
		}
	}
	call := rpc.Chain([]rpc.Interceptor{timed}, func(context.Context, *rpc.Call) error { return nil })
	_ = call(context.Background(), &rpc.Call{Method: &rpc.Method{Service: "calc.Calculator", Name: "divide"}})
	// Output: calc.Calculator/divide true <nil>
}
