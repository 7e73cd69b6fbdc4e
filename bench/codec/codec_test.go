package codec_test

import (
	"testing"

	"github.com/yodelrpc/yodel/bench/codec"
)

func TestEachCaseWorks(t *testing.T) {
	t.Parallel()
	for _, c := range codec.Cases() {
		t.Run(c.Message+"/"+c.Codec, func(t *testing.T) {
			t.Parallel()
			size, err := c.Marshal()
			if err != nil || size != c.Size {
				t.Errorf("marshalled into %d bytes, %v; want %d", size, err, c.Size)
			}
			for range 2 {
				if err := c.Unmarshal(); err != nil {
					t.Errorf("unmarshal: %v", err)
				}
				if err := c.Again(); err != nil {
					t.Errorf("unmarshal again: %v", err)
				}
			}
		})
	}
}

func BenchmarkMarshal(b *testing.B) {
	for _, c := range codec.Cases() {
		b.Run(c.Message+"/"+c.Codec, func(b *testing.B) { loop(b, c.Size, c.MarshalOnce) })
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	for _, c := range codec.Cases() {
		b.Run(c.Message+"/"+c.Codec, func(b *testing.B) { loop(b, c.Size, c.Unmarshal) })
	}
}

func BenchmarkUnmarshalAgain(b *testing.B) {
	for _, c := range codec.Cases() {
		b.Run(c.Message+"/"+c.Codec, func(b *testing.B) { loop(b, c.Size, c.Again) })
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
