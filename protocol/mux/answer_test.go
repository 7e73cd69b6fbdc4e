package mux_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// A second answer to a call ends the connection, and does not touch what the first one's caller has.
func TestSecondAnswer(t *testing.T) {
	t.Parallel()
	result := func(id uint32, v, body string) string {
		return frame(tResult, fMetadata, 0, id, u32(8)+u16(1)+"k"+u32(1)+v+body)
	}
	for range 50 {
		c := scripted(t, func(server raw) {
			id := server.read().id
			server.send(result(id, "1", "\x0d\x00\x00\x40\x40") + result(id, "2", ""))
			_ = readToEnd(server.nc)
		})
		var md rpc.Metadata
		got, err := callDivide(rpc.WithAnswerMetadata(t.Context(), &md), c, 6, 2)
		if got != 3 || err != nil || md.Get("k") != "1" {
			t.Errorf("divide(6, 2) = %v, %v with %v", got, err, md)
		}
		<-c.Ended()
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), "not in flight") {
			t.Errorf("the connection ended with %v", err)
		}
		_ = c.Close()
	}
}

// A Dial ends with its context, too, while the other side has not read a byte.
func TestDialEndsWhileItWrites(t *testing.T) {
	t.Parallel()
	elapsed(t, time.Second, func(t *testing.T) {
		ours, _ := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := mux.Dial(ctx, rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) { return ours, nil }})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial gives %v", err)
		}
	})
}

// A server that says that it goes away again and again costs no more than one that says so once.
func TestGoAwayAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		c := scripted(t, func(server raw) {
			id := server.read().id
			server.send(strings.Repeat(frame(tGoAway, 0, 0, 0, "\x0e"), 10_000))
			<-answer
			server.send(frame(tResult, 0, 0, id, "\x0d\x00\x00\x40\x40"))
			_ = readToEnd(server.nc)
		})
		go func() {
			synctest.Wait()
			if n := runtime.NumGoroutine(); n > 5000 {
				t.Errorf("there are %d goroutines", n)
			}
			close(answer)
		}()
		if got, err := callDivide(t.Context(), c, 6, 2); err != nil || got != 3 {
			t.Errorf("divide(6, 2) = %v, %v", got, err)
		}
		_ = c.Close()
	})
}
