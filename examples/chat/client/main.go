// Command client joins a chat room: it says what stands on standard input, line by line, and prints what is said.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/chat"
	"github.com/yodelrpc/yodel/rpc"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8000", "`HOST:PORT` of the server")
	name := flag.String("name", os.Getenv("USER"), "what to be called in the room")
	flag.Parse()
	ch, err := yodel.Dial(*address)
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err = chat.NewChatClient(ch).Join(ctx, *name,
		func(ctx context.Context, room *rpc.BidiStream[string, chat.Message]) error {
			return talk(ctx, room, os.Stdin, os.Stdout)
		})
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

// talk says what stands on the lines of in, and prints what is said, until in ends.
func talk(ctx context.Context, room *rpc.BidiStream[string, chat.Message], in io.Reader, out io.Writer) error {
	lines := make(chan string)
	go func() { // which waits for standard input as long as the program runs
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	sent := make(chan struct{})
	ctx, stop := context.WithCancel(ctx)
	defer func() { // the sender uses the stream, which lives as long as this function
		stop()
		<-sent
	}()
	go func() {
		defer close(sent)
		for {
			select {
			case <-ctx.Done():
				return
			case line, ok := <-lines:
				if !ok {
					_ = room.CloseSend() // the server answers with the end
					return
				}
				if line != "" && room.Send(ctx, line) != nil {
					return // Recv says why
				}
			}
		}
	}()
	for {
		m, err := room.Recv(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if m.From == "" {
			fmt.Fprintf(out, "* %s\n", m.Text)
		} else {
			fmt.Fprintf(out, "%s: %s\n", m.From, m.Text)
		}
	}
}
