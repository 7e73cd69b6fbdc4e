package s2_test

import (
	"testing"

	klauspost "github.com/klauspost/compress/s2"

	"github.com/yodelrpc/yodel/compress/internal/codectest"
	"github.com/yodelrpc/yodel/compress/s2"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, s2.Codec(), func() []byte { return klauspost.Encode(nil, make([]byte, 512<<20)) })
}

func FuzzDecompress(f *testing.F) { codectest.Fuzz(f, s2.Codec()) }
