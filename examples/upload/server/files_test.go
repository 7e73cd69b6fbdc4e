package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/upload"
	"github.com/yodelrpc/yodel/rpc"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	server := yodel.NewServer(upload.NewFilesService(files{root}))
	defer server.Close()
	ch := server.Channel()
	defer ch.Close()
	client := upload.NewFilesClient(ch)

	pieces := slices.Values([][]byte{[]byte("one, "), []byte("two")})
	receipt, err := client.Put(t.Context(), "a.txt", pieces)
	if hash := sha256.Sum256([]byte("one, two")); err != nil || receipt.Size != 8 ||
		string(receipt.Hash) != string(hash[:]) {
		t.Errorf("stored %+v, %v", receipt, err)
	}
	var exists *upload.Exists
	if _, err := client.Put(t.Context(), "a.txt", pieces); !errors.As(err, &exists) {
		t.Errorf("a second time: %v", err)
	}
	for _, name := range []string{"", "../a", "/etc/passwd", ".hidden", "a/b"} {
		var e *rpc.Error
		if _, err := client.Put(t.Context(), name, pieces); !errors.As(err, &e) || e.Code != rpc.InvalidArgument {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = client.Put(ctx, "b.txt", func(yield func([]byte) bool) {
		yield([]byte("half"))
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that gave up: %v", err)
	}
	if err := server.Shutdown(t.Context()); err != nil { // once the handler has returned
		t.Error(err)
	}
	if names, _ := filepath.Glob(filepath.Join(folder, "*")); len(names) != 1 || filepath.Base(names[0]) != "a.txt" {
		t.Errorf("the folder holds %v", names)
	}
}
