// Command client uploads a file, and shows how far it is.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/upload"
)

// pieceSize is how much goes in a message.
const pieceSize = 64 << 10

func main() {
	address := flag.String("addr", "127.0.0.1:8000", "`HOST:PORT` of the server")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: client [flags] FILE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ch, err := yodel.Dial(*address)
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	receipt, err := put(ctx, upload.NewFilesClient(ch), flag.Arg(0), os.Stderr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("stored %d bytes, SHA-256 %x\n", receipt.Size, receipt.Hash)
}

// put uploads a file and writes to progress how far it is. A piece is taken off the file when the server has room for
// it, so that what is shown is at most a window ahead of what has arrived.
func put(ctx context.Context, client upload.FilesCaller, path string, progress io.Writer) (upload.Receipt, error) {
	file, err := os.Open(path)
	if err != nil {
		return upload.Receipt{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return upload.Receipt{}, err
	}
	// A file that cannot be read to its end must not look whole: the call is canceled, and nothing is kept.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hash := sha256.New()
	receipt, err := client.Put(ctx, filepath.Base(path), func(yield func([]byte) bool) {
		var sent int64
		for {
			piece := make([]byte, pieceSize)
			n, err := io.ReadFull(file, piece)
			if n > 0 {
				hash.Write(piece[:n])
				if !yield(piece[:n]) {
					return
				}
				sent += int64(n)
				fmt.Fprintf(progress, "\r%3d%% of %d bytes", sent*100/max(info.Size(), sent), info.Size())
			}
			switch {
			case err == io.EOF, err == io.ErrUnexpectedEOF:
				fmt.Fprintln(progress)
				return
			case err != nil:
				cancel(err)
				return
			}
		}
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return receipt, cause
	}
	if err == nil && !bytes.Equal(receipt.Hash, hash.Sum(nil)) {
		err = errors.New("the server has stored something else")
	}
	return receipt, err
}
