package mux_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A deadline that passes while a caller waits for the rest of a piece of its answer ends that call on time, and nothing
// else.
func TestDeadlineInsideAPiece(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, func(server raw) {
			for f := server.read(); f.kind != 0; f = server.read() {
				switch {
				case f.kind == tCall && len(f.body) > 500:
					more := frame(tMore, 0, 0, f.id, strings.Repeat("x", 999))
					server.send(frame(tResult, fPieces, 0, f.id, u32(1000)+"\x0a") + more[:100])
					time.Sleep(3 * time.Second)
					server.send(more[100:])
				case f.kind == tCall:
					server.send(frame(tResult, 0, 0, f.id, "\x0d\x00\x00\x40\x40")) // 3
				}
			}
		})
		defer c.Close()
		lone(t, c)
		start := time.Now()
		_, err := callEcho(rpc.WithTimeout(context.Background(), time.Second), c, make([]byte, 1000))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		lone(t, c)
	})
}
