package rpc_test

import (
	"context"
	"errors"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// What an interceptor assigns to a unary call is that call's alone: its caller gets the Result, and no later call finds
// what is not its own.
func TestInterceptorAssigns(t *testing.T) {
	t.Parallel()
	answer := func(n int32) rpc.Interceptor {
		return func(rpc.CallFunc) rpc.CallFunc {
			return func(_ context.Context, c *rpc.Call) error {
				if n == 0 {
					c.Result = new(divide.InvalidOperation)
					return nil
				}
				result := wire.New(c.Result)
				if err := wire.UnmarshalJSON([]byte(`{"result": 42}`), result); err != nil {
					return err
				}
				c.Result = result
				c.Body = func(context.Context, rpc.Stream) error { return nil }
				return nil
			}
		}
	}
	last := func(context.Context, *rpc.Call) error { return rpc.NewError(rpc.Aborted, "nobody") }
	through := func(n int32) *divide.Client {
		return divide.NewClient(intercepted(rpc.Chain([]rpc.Interceptor{answer(n)}, last)))
	}
	plain := divide.NewClient(newMemory(t, divide.NewService(quotients{})))
	for range 20 {
		if got, err := through(1).Divide(t.Context(), 1); got != 42 || err != nil {
			t.Fatalf("the interceptor's answer is %v, %v", got, err)
		}
		_, err := through(0).Divide(t.Context(), 1)
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Internal {
			t.Fatalf("a Result of another type gives %v", err)
		}
		if got, err := plain.Divide(t.Context(), 100); got != 100 || err != nil {
			t.Fatalf("a call without the interceptor got %v, %v", got, err)
		}
	}
}

type quotients struct{}

func (quotients) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}
