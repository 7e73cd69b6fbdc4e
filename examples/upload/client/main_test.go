package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/upload"
)

// A sink counts what it is given, and refuses to go on behind refuseAt bytes.
type sink struct {
	stored   bytes.Buffer
	hash     func([]byte) []byte
	refuseAt int
}

func (s *sink) Put(_ context.Context, name string, pieces iter.Seq2[[]byte, error]) (upload.Receipt, error) {
	for piece, err := range pieces {
		if err != nil {
			return upload.Receipt{}, err
		}
		if s.stored.Write(piece); s.refuseAt > 0 && s.stored.Len() > s.refuseAt {
			return upload.Receipt{}, upload.NewExists()
		}
	}
	return upload.Receipt{Size: int64(s.stored.Len()), Hash: s.hash(s.stored.Bytes())}, nil
}

func TestPut(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789"), 40_000)
	path := filepath.Join(t.TempDir(), "numbers.txt")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		sink sink
		want string
	}{
		"whole": {sink{hash: sum}, "400000 <nil>"},
		"changed": {sink{hash: func([]byte) []byte {
			return []byte("x")
		}}, "400000 the server has stored something else"},
		"refused": {sink{hash: sum, refuseAt: 200_000}, "0 there is a file of that name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := yodel.NewServer(upload.NewFilesService(&test.sink))
			defer server.Close()
			ch := server.Channel()
			defer ch.Close()
			var progress strings.Builder
			receipt, err := put(t.Context(), upload.NewFilesClient(ch), path, &progress)
			if got := fmt.Sprint(receipt.Size, " ", err); got != test.want {
				t.Errorf("got %s; want %s", got, test.want)
			}
			if err == nil && (!bytes.Equal(test.sink.stored.Bytes(), content) ||
				!strings.HasSuffix(progress.String(), "\r100% of 400000 bytes\n")) {
				t.Errorf("%d bytes were stored; shown was %q", test.sink.stored.Len(), progress.String())
			}
		})
	}
	var exists *upload.Exists
	if _, err := put(t.Context(), nil, path+"x", nil); !errors.Is(err, os.ErrNotExist) || errors.As(err, &exists) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func sum(b []byte) []byte {
	hash := sha256.Sum256(b)
	return hash[:]
}
