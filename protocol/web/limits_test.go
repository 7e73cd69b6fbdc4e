package web_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// The largest limit for messages overflows nothing.
func TestLargestMessageLimit(t *testing.T) { overAll(t, testLargestMessageLimit) }

func testLargestMessageLimit(t *testing.T, n nettest.Network) {
	for _, limit := range []int{1 << 30, math.MaxInt32} {
		limits := rpc.ServerLimits{Limits: rpc.Limits{Message: limit}, Answers: limit}
		s := serveServices(t, n, limits, every.NewEchoService(new(large)))
		for range 3 {
			c := s.dial(t, rpc.ConnOptions{Limits: limits.Limits})
			got, err := every.NewEchoClient(channel{c}).Strings(t.Context(), strings.Repeat("x", 300_000))
			if len(got) != largeAnswer || err != nil {
				t.Errorf("limit %d: %d bytes, %v", limit, len(got), err)
			}
		}
		nc, err := s.listener.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		fmt.Fprintf(nc, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
			len(callStrings), callStrings)
		var b [64]byte
		if n, err := nc.Read(b[:]); !strings.HasPrefix(string(b[:n]), "HTTP/1.1 200 ") {
			t.Errorf("limit %d: chunked: %q, %v", limit, b[:n], err)
		}
	}
}
