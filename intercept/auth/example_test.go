package auth_test

import (
	"context"
	"fmt"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/rpc"
)

type greeter struct{}

func (greeter) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	fmt.Println("called by", auth.From(ctx))
	return float32(num1) / float32(num2), nil
}

// A server that knows its callers by tokens, and a client that sends one.
func Example() {
	check, err := auth.Tokens(map[string]auth.Identity{"a-token-of-32-random-bytes": {Name: "alice"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	who, err := auth.Options{}.Interceptor(auth.Bearer(check), auth.Certificates(nil), auth.Unix(nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := yodel.ServerOptions{Interceptors: []rpc.Interceptor{who}}.NewServer(divide.NewService(greeter{}))
	defer srv.Close()

	sends, err := auth.Static("a-token-of-32-random-bytes").Interceptor()
	if err != nil {
		fmt.Println(err)
		return
	}
	ch := yodel.InProcessOptions{Interceptors: []rpc.Interceptor{sends}}.Channel(srv)
	defer ch.Close()
	fmt.Println(divide.NewClient(ch).Divide(context.Background(), 7, divide.Num2(2)))

	stranger := srv.Channel()
	defer stranger.Close()
	fmt.Println(divide.NewClient(stranger).Divide(context.Background(), 7))
	// Output:
	// called by bearer:alice
	// 3.5 <nil>
	// 0 divide.Divide/divide: unauthenticated: the call does not prove who makes it
}
