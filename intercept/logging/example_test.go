package logging_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/logging"
	"github.com/yodelrpc/yodel/rpc"
)

type handlers struct{}

func (handlers) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

func Example() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTimes}))
	log := logging.New(logging.Options{Logger: logger, Arguments: true})
	srv := yodel.ServerOptions{Interceptors: []rpc.Interceptor{log}}.NewServer(divide.NewService(handlers{}))
	defer srv.Close()
	ch := srv.Channel()
	defer ch.Close()
	_, _ = divide.NewClient(ch).Divide(context.Background(), 200)
	// Output:
	// level=INFO msg=call method=divide.Divide/divide protocol=in-process code=ok arguments="{\"num1\":200}"
}

// withoutTimes leaves out what is another each time, and the peer, which is this process.
func withoutTimes(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "time" || a.Key == "took" || a.Key == "peer" {
		return slog.Attr{}
	}
	return a
}
