package zstd_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	klauspost "github.com/klauspost/compress/zstd"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/compress/internal/codectest"
	"github.com/yodelrpc/yodel/compress/zstd"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, zstd.Codec(), func() []byte { return stream(make([]byte, 512<<20)) })
}

// TestBombThatTellsItsLength is refused by its header.
func TestBombThatTellsItsLength(t *testing.T) {
	t.Parallel()
	c := zstd.Codec()
	bomb := c.Compress(nil, make([]byte, 64<<20))
	if _, err := c.Decompress(nil, bomb, 4<<20); !errors.Is(err, compress.ErrTooLarge) {
		t.Error(err)
	}
}

func FuzzDecompress(f *testing.F) { codectest.Fuzz(f, zstd.Codec()) }

// stream returns m as a sender writes it that does not know its length before the end.
func stream(m []byte) []byte {
	var b bytes.Buffer
	w, err := klauspost.NewWriter(&b)
	if err != nil {
		panic(err)
	}
	for len(m) > 0 {
		n := min(len(m), 100_000)
		_, _ = w.Write(m[:n])
		_ = w.Flush()
		m = m[n:]
	}
	_ = w.Close()
	return b.Bytes()
}

// TestOthersStreams: a sender that streams names a window which its message does not fill, and may be far over the
// limit.
func TestOthersStreams(t *testing.T) {
	t.Parallel()
	c, m := zstd.Codec(), codectest.Text(300_000)
	packed := stream(m)
	if got, err := c.Decompress(nil, packed, len(m)); err != nil || !bytes.Equal(got, m) {
		t.Errorf("%d bytes of %d, %v", len(got), len(m), err)
	}
	if _, err := c.Decompress(nil, packed, len(m)-1); !errors.Is(err, compress.ErrTooLarge) {
		t.Error(err)
	}
}

// TestFrames: several frames are one message, and under one limit.
func TestFrames(t *testing.T) {
	t.Parallel()
	c := zstd.Codec()
	both := append(c.Compress(nil, []byte("one, ")), c.Compress(nil, []byte("two"))...)
	if got, err := c.Decompress(nil, both, 8); err != nil || string(got) != "one, two" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.Decompress(nil, both, 7); !errors.Is(err, compress.ErrTooLarge) {
		t.Errorf("over the limit together: %v", err)
	}
}

// TestOthersRead: what the codec makes is Zstandard to others.
func TestOthersRead(t *testing.T) {
	t.Parallel()
	m := codectest.Text(100_000)
	r, err := klauspost.NewReader(bytes.NewReader(zstd.Codec().Compress(nil, m)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, m) {
		t.Errorf("%d bytes of %d, %v", len(got), len(m), err)
	}
}
