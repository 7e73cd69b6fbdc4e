package gzip_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"testing"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/compress/gzip"
	"github.com/yodelrpc/yodel/compress/internal/codectest"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, gzip.Codec(), bomb)
}

func FuzzDecompress(f *testing.F) { codectest.Fuzz(f, gzip.Codec()) }

// bomb has no more than what it must, so that nothing is refused for another reason.
func bomb() []byte {
	var b bytes.Buffer
	w, err := stdgzip.NewWriterLevel(&b, stdgzip.BestCompression)
	if err != nil {
		panic(err)
	}
	zeros := make([]byte, 1<<20)
	for range 512 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	return b.Bytes()
}

// TestMembers: several members, as of cat a.gz b.gz, are one message, and under one limit (RFC 1952, section 2.2).
func TestMembers(t *testing.T) {
	t.Parallel()
	c := gzip.Codec()
	both := append(c.Compress(nil, []byte("one, ")), c.Compress(nil, []byte("two"))...)
	if got, err := c.Decompress(nil, both, 8); err != nil || string(got) != "one, two" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.Decompress(nil, both, 7); !errors.Is(err, compress.ErrTooLarge) {
		t.Errorf("over the limit together: %v", err)
	}
}

// TestOthersRead: what the codec makes is gzip to others.
func TestOthersRead(t *testing.T) {
	t.Parallel()
	m := codectest.Text(100_000)
	r, err := stdgzip.NewReader(bytes.NewReader(gzip.Codec().Compress(nil, m)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, m) {
		t.Errorf("%d bytes of %d, %v", len(got), len(m), err)
	}
}
