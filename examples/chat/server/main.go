// Command server is a chat room: every client that joins reads what any of them writes.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/chat"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8000", "`HOST:PORT` to serve at; port 0 is any free one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	options := yodel.ServerOptions{Logger: slog.Default()} // which is told the address
	server := options.NewServer(chat.NewChatService(newRoom()))
	if err := server.ListenAndServe(ctx, *address); err != nil {
		log.Fatal(err)
	}
}
