package mux_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// A deadline that passes while a caller waits for the rest of a piece of its answer ends that call on time, and nothing else.
func TestDeadlineInsideAPiece(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		server := raw{t, theirs}
		go func() {
			_, _ = io.ReadFull(theirs, make([]byte, len(hello)))
			_ = server.read() // its settings
			server.send(hello + frame(tSettings, 0, 0, 0, ""))
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
		}()
		c, err := mux.Dial(t.Context(), rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) { return ours, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		lone(t, c)
		start := time.Now()
		_, err = callEcho(rpc.WithTimeout(context.Background(), time.Second), c, make([]byte, 1000))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		lone(t, c)
	})
}
