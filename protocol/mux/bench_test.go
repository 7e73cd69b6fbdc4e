package mux_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

func BenchmarkEcho(b *testing.B) {
	for _, tt := range []struct{ size, callers int }{{128, 64}, {1 << 10, 64}, {64 << 10, 16}, {1 << 20, 4}} {
		b.Run(fmt.Sprintf("%d/%d", tt.size, tt.callers), func(b *testing.B) {
			c := serve(b, nettest.TCP, rpc.ServerLimits{}, handlers{}.service()).conn(b)
			data := make([]byte, tt.size)
			b.SetBytes(int64(tt.size))
			b.ReportAllocs()
			b.ResetTimer()
			var callers sync.WaitGroup
			for n := range tt.callers {
				callers.Go(func() {
					for i := n; i < b.N; i += tt.callers {
						if _, err := callEcho(context.Background(), c, data); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			callers.Wait()
		})
	}
}
