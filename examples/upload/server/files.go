package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/yodelrpc/yodel/examples/upload"
)

// files keeps what it is given in a folder, and writes nowhere else, whatever a name says.
type files struct{ root *os.Root }

// Put implements [upload.FilesHandler]. A file has its name once it is whole.
func (f files) Put(_ context.Context, name string, pieces iter.Seq2[[]byte, error]) (receipt upload.Receipt,
	err error) {
	part := name + ".part"
	file, err := f.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return receipt, &upload.Exists{Message: "somebody is storing a file of that name"}
	}
	if err != nil {
		return receipt, err
	}
	defer func() { _ = f.root.Remove(part) }() // of a file that is whole, the second name
	defer file.Close()
	hash := sha256.New()
	out := io.MultiWriter(file, hash)
	for piece, err := range pieces {
		if err != nil { // the caller has given up, or is gone
			return receipt, err
		}
		n, err := out.Write(piece)
		receipt.Size += int64(n)
		if err != nil {
			return receipt, err
		}
	}
	if err := file.Sync(); err != nil {
		return receipt, err
	}
	if err := f.root.Link(part, name); errors.Is(err, fs.ErrExist) {
		return receipt, upload.NewExists()
	} else if err != nil {
		return receipt, err
	}
	receipt.Hash = hash.Sum(nil)
	return receipt, nil
}
