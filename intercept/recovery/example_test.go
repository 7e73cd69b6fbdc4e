package recovery_test

import (
	"context"
	"fmt"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/recovery"
	"github.com/yodelrpc/yodel/rpc"
)

type handlers struct{}

func (handlers) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

func Example() {
	report := func(_ context.Context, c *rpc.Call, panicked any, stack []byte) error {
		fmt.Println("in", c.Method.Name, "something panicked:", panicked)
		return rpc.NewError(rpc.Unavailable, "try again later")
	}
	broken := func(rpc.CallFunc) rpc.CallFunc {
		return func(context.Context, *rpc.Call) error { panic("a slip") }
	}
	srv := yodel.ServerOptions{
		Interceptors: []rpc.Interceptor{recovery.New(report), broken},
	}.NewServer(divide.NewService(handlers{}))
	defer srv.Close()
	ch := srv.Channel()
	defer ch.Close()
	_, err := divide.NewClient(ch).Divide(context.Background(), 200)
	fmt.Println(err)
	// Output:
	// in divide something panicked: a slip
	// divide.Divide/divide: unavailable: try again later
}
