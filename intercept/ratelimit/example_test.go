package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/ratelimit"
	"github.com/yodelrpc/yodel/rpc"
)

type handlers struct{}

func (handlers) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

func Example() {
	limit, err := ratelimit.New(ratelimit.Options{Rate: 1.0 / 3600, Burst: 1})
	if err != nil {
		panic(err)
	}
	srv := yodel.ServerOptions{Interceptors: []rpc.Interceptor{limit}}.NewServer(divide.NewService(handlers{}))
	defer srv.Close()
	ch := srv.Channel()
	defer ch.Close()
	for range 2 {
		_, err := divide.NewClient(ch).Divide(context.Background(), 200)
		e, refused := errors.AsType[*rpc.Error](err)
		fmt.Println(refused && e.Code == rpc.ResourceExhausted)
		for retry := range rpc.DetailsOf[rpc.RetryInfo](err) {
			fmt.Println("again in", retry.RetryDelay.Round(time.Hour))
		}
	}
	// Output:
	// false
	// true
	// again in 1h0m0s
}
