package codec_test

import (
	"testing"

	"github.com/yodelrpc/yodel/bench/codec"
)

func TestEachCaseWorks(t *testing.T) {
	t.Parallel()
	sizes := map[string]int{}
	for _, c := range codec.Cases() {
		t.Run(c.Message+"/"+c.Codec, func(t *testing.T) {
			if err := c.Marshal(); err != nil {
				t.Errorf("marshal: %v", err)
			}
			if err := c.Unmarshal(); err != nil {
				t.Errorf("unmarshal: %v", err)
			}
			if size, ok := sizes[c.Message]; ok && size != c.Size {
				t.Errorf("%d bytes, but %d in another codec", c.Size, size)
			}
			sizes[c.Message] = c.Size
		})
	}
}

func BenchmarkMarshal(b *testing.B) {
	for _, c := range codec.Cases() {
		b.Run(c.Message+"/"+c.Codec, func(b *testing.B) { loop(b, c.Size, c.Marshal) })
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	for _, c := range codec.Cases() {
		b.Run(c.Message+"/"+c.Codec, func(b *testing.B) { loop(b, c.Size, c.Unmarshal) })
	}
}

func loop(b *testing.B, size int, work func() error) {
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := work(); err != nil {
			b.Fatal(err)
		}
	}
}
