package compress_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/yodelrpc/yodel/compress"
)

func TestReadAll(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 1000)
	readers := map[string]func(string) io.Reader{
		"whole":       func(s string) io.Reader { return strings.NewReader(s) },
		"byte wise":   func(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) },
		"end at once": func(s string) io.Reader { return iotest.DataErrReader(strings.NewReader(s)) },
	}
	for name, open := range readers {
		for _, guess := range []int{0, 100, len(text), math.MaxInt} {
			for _, room := range []int{0, 9, len(text) + 3, 3 * len(text)} {
				dst := append(make([]byte, 0, room), "abc"...)
				got, err := compress.ReadAll("x", dst, open(text), guess, len(text))
				if err != nil || string(got) != "abc"+text {
					t.Errorf("%s, guess %d, room %d: %d bytes, %v", name, guess, room, len(got), err)
				}
				got, err = compress.ReadAll("x", dst, open(text), guess, len(text)-1)
				if !errors.Is(err, compress.ErrTooLarge) || !bytes.Equal(got, []byte("abc")) {
					t.Errorf("%s, guess %d, room %d, over the limit: %d bytes, %v", name, guess, room, len(got), err)
				}
			}
		}
	}
	broken := errors.New("broken")
	for _, limit := range []int{len(text), len(text) + 1} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		got, err := compress.ReadAll("x", []byte("abc"), r, 0, limit)
		if !errors.Is(err, compress.ErrCorrupt) || !errors.Is(err, broken) || string(got) != "abc" {
			t.Errorf("limit %d, a reader that breaks: %d bytes, %v", limit, len(got), err)
		}
	}
}
