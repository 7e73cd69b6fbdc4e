package yodel_test

import (
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
)

// BenchmarkInProcess is a call to this process, whose messages are copied or encoded.
func BenchmarkInProcess(b *testing.B) {
	for _, serialize := range []bool{false, true} {
		b.Run(map[bool]string{false: "copied", true: "serialized"}[serialize], func(b *testing.B) {
			srv := yodel.NewServer(divide.NewService(handler{}))
			defer srv.Close()
			ch := yodel.InProcessOptions{Serialize: serialize}.Channel(srv)
			defer ch.Close()
			c := divide.NewClient(ch)
			b.ReportAllocs()
			for b.Loop() {
				if got, err := c.Divide(b.Context(), 200, divide.Num2(100)); err != nil || got != 2 {
					b.Fatal(got, err)
				}
			}
		})
	}
}
