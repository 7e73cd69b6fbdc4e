package dynamic_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/idl/check"
)

// A definition that the program reads while it runs, and a server of generated code.
func ExampleClient() {
	files, diags := check.Files(os.ReadFile, "../examples/divide/divide.yodel")
	if err := diags.Err(); err != nil {
		log.Fatal(err)
	}
	p, err := dynamic.Load(files...)
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	server := yodel.NewServer(divide.NewService(divider{}))
	go server.Serve(ctx, ln)
	defer server.Close()
	ch, err := yodel.Dial(ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()

	client := dynamic.NewClient(ch, p)
	fmt.Println(client.Call(ctx, "divide", map[string]any{"num1": 200, "num2": 100}))
	_, err = client.CallJSON(ctx, "divide", []byte(`{"num1": 1, "num2": 0}`))
	var x *dynamic.Exception
	if errors.As(err, &x) {
		fmt.Println(x.Name(), x.Message)
	}
	_, err = client.CallJSON(ctx, "divide", []byte(`{"num2": 100}`))
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// divide.InvalidOperation {"message":"by nothing"}
	// divide.Divide/divide: invalid_argument: missing argument "num1" (not started)
}
