package authz_test

import (
	"context"
	"fmt"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/intercept/authz"
	"github.com/yodelrpc/yodel/rpc"
)

type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

func Example() {
	check, err := auth.Tokens(map[string]auth.Identity{
		"a-token-of-32-random-bytes":  {Name: "alice", Roles: []string{"clerk"}},
		"another-one-of-random-bytes": {Name: "bob"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	who, err := auth.Options{}.Interceptor(auth.Bearer(check))
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := yodel.ServerOptions{
		Interceptors: []rpc.Interceptor{who},
		Authorizer:   authz.Options{Rules: authz.Rules{"divide.Divide/divide": authz.Role("clerk")}},
	}.NewServer(divide.NewService(divider{}))
	defer srv.Close()

	for _, token := range []string{"a-token-of-32-random-bytes", "another-one-of-random-bytes", "guessed"} {
		sends, err := auth.Static(token).Interceptor()
		if err != nil {
			fmt.Println(err)
			return
		}
		ch := yodel.InProcessOptions{Interceptors: []rpc.Interceptor{sends}}.Channel(srv)
		fmt.Println(divide.NewClient(ch).Divide(context.Background(), 7, divide.Num2(2)))
		ch.Close()
	}
	// Output:
	// 3.5 <nil>
	// 0 divide.Divide/divide: permission_denied: the caller may not call this method
	// 0 divide.Divide/divide: unauthenticated: the call does not prove who makes it
}
