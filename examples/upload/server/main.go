// Command server stores files that clients upload, in a folder.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/upload"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8000", "`HOST:PORT` to serve at; port 0 is any free one")
	folder := flag.String("dir", ".", "the `FOLDER` for the files")
	flag.Parse()
	root, err := os.OpenRoot(*folder)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	options := yodel.ServerOptions{Logger: slog.Default()} // which is told the address
	server := options.NewServer(upload.NewFilesService(files{root}))
	if err := server.ListenAndServe(ctx, *address); err != nil {
		log.Fatal(err)
	}
}
