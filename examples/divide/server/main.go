// Command server answers divide until it gets SIGINT or SIGTERM; then it finishes the calls that run, and ends.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
)

type handler struct{}

func (handler) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, &divide.InvalidOperation{Message: "invalid operation"}
	}
	return float32(num1) / float32(num2), nil
}

func main() {
	options := yodel.ServerOptions{Logger: slog.Default()} // which is told the address
	address := flag.String("addr", "127.0.0.1:8000", "`HOST:PORT` to serve at; port 0 is any free one")
	processes := flag.Int("processes", 0, "serve from `N` processes; 0 is this one alone")
	flag.BoolFunc("serial", "one connection at a time", func(string) error { options.Mode = yodel.Serial; return nil })
	flag.Parse()
	if *processes > 0 {
		options.Mode = yodel.Processes(*processes)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := options.NewServer(divide.NewService(handler{})).ListenAndServe(ctx, *address); err != nil {
		log.Fatal(err)
	}
}
