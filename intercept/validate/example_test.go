package validate_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/validate"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

type handlers struct{}

func (handlers) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

func Example() {
	check := func(_ context.Context, _ *rpc.Method, args rpc.Message) error {
		num1, _ := wire.Get[int32](args, "num1")
		if num2, _ := wire.Get[int32](args, "num2"); num1 < num2 {
			return errors.New("num1 is below num2")
		}
		return nil
	}
	srv := yodel.NewServer(divide.NewService(handlers{}).With(validate.New(check)))
	defer srv.Close()
	ch := srv.Channel()
	defer ch.Close()
	_, err := divide.NewClient(ch).Divide(context.Background(), 100, divide.Num2(200))
	fmt.Println(err)
	// Output: divide.Divide/divide: invalid_argument: num1 is below num2
}
