package mux_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/yodelrpc/yodel/rpc"
)

// What the server's last PING is answered with stands behind every call that was queued, large ones too: the server
// ends its side when it has read it.
func TestLastPongStandsBehindAllCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var server raw
		c := scripted(t, func(s raw) { server = s })
		synctest.Wait()
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() {
				_, err := callEcho(t.Context(), c, make([]byte, 300_000))
				if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeUnknown {
					t.Errorf("a call that was sent gives %v", err)
				}
			})
			synctest.Wait() // the first one is being written, and nobody reads
		}
		server.send(frame(tGoAway, 0, 0, 0, "\x0e") + frame(tPing, 0, 0, 0, "draining"))
		synctest.Wait()
		_, err := callDivide(t.Context(), c, 6, 2)
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeNotStarted {
			t.Errorf("a call behind GOAWAY gives %v", err)
		}
		calls := 0
		for got := server.read(); got.kind != tPong; got = server.read() {
			if got.kind == tCall {
				calls++
			}
		}
		if calls != 3 {
			t.Errorf("%d of 3 calls stand ahead of the PONG", calls)
		}
		_ = server.nc.Close()
		callers.Wait()
		_ = c.Close()
	})
}
