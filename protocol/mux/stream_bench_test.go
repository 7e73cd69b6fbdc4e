package mux_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// same yields n times the same message.
func same(n int, b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for range n {
			if !yield(b) {
				return
			}
		}
	}
}

// BenchmarkStream counts messages of each kind in one stream over TCP, the server in the same process.
func BenchmarkStream(b *testing.B) {
	for _, size := range []int{8, 1 << 10, 64 << 10} {
		message := make([]byte, size)
		c := serve(b, nettest.TCP, rpc.ServerLimits{}, streamHandlers{
			feed: func(_ context.Context, in *numbers) iter.Seq2[[]byte, error] {
				return func(yield func([]byte, error) bool) {
					for range in.A {
						if !yield(message, nil) {
							return
						}
					}
				}
			},
		}.service()).conn(b)
		run := func(kind string, f func(n int) error) {
			b.Run(fmt.Sprintf("%s/%d", kind, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				if err := f(b.N); err != nil {
					b.Fatal(err)
				}
			})
		}
		drain := func(all iter.Seq2[[]byte, error]) error {
			for _, err := range all {
				if err != nil {
					return err
				}
			}
			return nil
		}
		run("server", func(n int) error { return drain(feed.Call(b.Context(), c, &numbers{int32(n), 0})) })
		run("client", func(n int) error {
			_, err := gather.Call(b.Context(), c, nil, same(n, message))
			return err
		})
		run("both", func(n int) error { return drain(exchangeAll(b.Context(), c, same(n, message))) })
	}
}
