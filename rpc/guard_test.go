package rpc_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// Whatever guarded code does ends as an error, in one way or the other, and a line in the log.
func TestGuard(t *testing.T) {
	t.Parallel()
	for name, fail := range faults {
		for _, local := range []bool{false, true} {
			var log strings.Builder
			g := rpc.Guard{
				Log:    rpc.NewLog(slog.New(slog.NewTextHandler(&log, nil))),
				Method: &rpc.Method{Service: "test.Test", Name: "once"}, Local: local,
			}
			var returned, exited error
			rpc.Apart(func() {
				returned = g.Run("the handler", func() error { fail(); return nil }, func(e *rpc.Error) { exited = e })
			})
			err, _ := errors.AsType[*rpc.Error](errors.Join(returned, exited))
			if (returned == nil) == (exited == nil) || err == nil || err.Code != rpc.Internal ||
				!strings.HasPrefix(err.Message, "the handler ") {
				t.Errorf("%s: returned %v, ended with %v", name, returned, exited)
			}
			if err != nil && strings.Contains(err.Message, "a panic") && !local {
				t.Errorf("%s: the peer is told %q", name, err.Message)
			}
			for _, want := range []string{"the handler ", "test.Test/once", "guard_test.go"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%s: the log lacks %q:\n%s", name, want, log.String())
				}
			}
		}
	}
	want := errors.New("an error")
	if err := (rpc.Guard{}).Run("nothing", func() error { return want }, nil); err != want {
		t.Errorf("an error comes back as %v", err)
	}
}

// What persists goes on where its goroutine ends, and its caller waits for it; a panic is the caller's.
func TestPersist(t *testing.T) {
	t.Parallel()
	for _, ends := range []int{0, 1, 5} {
		turns, waited, value := 0, false, any(nil)
		returned := rpc.Apart(func() {
			defer func() { waited = turns == ends+1 }()
			defer func() { value = recover() }()
			rpc.Persist(func() {
				if turns++; turns <= ends {
					faults["runtime.Goexit"]()
				}
				if ends == 5 {
					panic("the last turn")
				}
			})
		})
		if !waited || returned != (ends == 0) || (value != nil) != (ends == 5) {
			t.Errorf("with %d ends: %d turns, returned %v, panic %v", ends, turns, returned, value)
		}
	}
}

func BenchmarkGuard(b *testing.B) {
	g := rpc.Guard{Method: new(rpc.Method)}
	n := 0
	for b.Loop() {
		if err := g.Run("nothing", func() error {
			n++
			return nil
		}, func(*rpc.Error) { n = 0; time.Sleep(time.Nanosecond) }); err != nil {
			b.Fatal(err)
		}
	}
}
