package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yodelrpc/yodel/examples/divide"
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

// A handler says more than a text can, and its caller reads it as what it was.
func ExampleError_WithDetails() {
	handle := func() error {
		return rpc.NewError(rpc.InvalidArgument, "two are wrong").WithDetails(
			&divide.InvalidOperation{Message: "num1 is odd"}, &divide.InvalidOperation{Message: "num2 is 0"})
	}
	for wrong := range rpc.DetailsOf[divide.InvalidOperation](handle()) {
		fmt.Println(wrong.Message)
	}
	// Output:
	// num1 is odd
	// num2 is 0
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
