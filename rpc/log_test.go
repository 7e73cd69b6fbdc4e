package rpc_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A lines handler calls its function with every line.
type lines func(slog.Record)

func (lines) Enabled(context.Context, slog.Level) bool { return true }

func (l lines) Handle(_ context.Context, r slog.Record) error {
	l(r)
	return nil
}

func (l lines) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l lines) WithGroup(string) slog.Handler { return l }

// No second has more than ten lines, wherever it begins, and what was left out is counted.
func TestTenLinesASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		left := 0
		log := rpc.NewLog(slog.New(lines(func(r slog.Record) {
			times = append(times, r.Time)
			r.Attrs(func(a slog.Attr) bool {
				if a.Key == "lines_left_out" {
					left += int(a.Value.Int64())
				}
				return true
			})
		})))
		const all = 500
		for range all {
			log.Warn("a line")
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(time.Second)
		log.Error("the last one")
		for i := range times[:len(times)-10] {
			if d := times[i+10].Sub(times[i]); d < time.Second {
				t.Fatalf("11 lines in %v", d)
			}
		}
		if len(times) < 30 || len(times)+left != all+1 {
			t.Errorf("%d lines were written and %d left out, of %d", len(times), left, all+1)
		}
	})
}

// A handler of a program's own, and what it writes, may do anything.
func TestLogHandlersThatFail(t *testing.T) {
	t.Parallel()
	for name, fail := range faults {
		written := false
		log := rpc.NewLog(slog.New(lines(func(slog.Record) {
			written = true
			fail()
		})))
		log.Error("a line")
		if !written {
			t.Errorf("%s: the handler was not called", name)
		}
	}
	var out strings.Builder
	for name, fail := range faults {
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			rpc.NewLog(slog.New(h)).Error("a line of "+name, "value", valuer(fail), "text", texter(fail))
		}
	}
}

// faults are what code may do besides returning.
var faults = map[string]func(){
	"panic":                          func() { panic("a panic") },
	"runtime.Goexit":                 runtime.Goexit,
	"panic of which the text panics": func() { panic(texter(func() { panic("a panic") })) },
	"panic of which the text is a trap": func() {
		panic(texter(func() { panic(texter(func() { panic("a panic") })) }))
	},
	"panic of which the text ends": func() { panic(texter(runtime.Goexit)) },
	"runtime error":                func() { _ = *(*int)(nil) },
}

// A valuer is a slog.LogValuer that fails, a texter an error and a fmt.Stringer.
type (
	valuer func()
	texter func()
)

func (v valuer) LogValue() slog.Value {
	v()
	return slog.Value{}
}

func (x texter) Error() string {
	x()
	return ""
}

// What is always written is written beside the ten lines, and a logger that fails on it is nobody's concern.
func TestAlways(t *testing.T) {
	t.Parallel()
	for name, fail := range faults {
		n := 0
		log := rpc.NewLog(slog.New(lines(func(slog.Record) {
			n++
			fail()
		})))
		for range 20 {
			log.Always(slog.LevelInfo, "serving")
		}
		log.Warn("a peer")
		if n != 21 {
			t.Errorf("%s: %d lines, want 21", name, n)
		}
	}
	(*rpc.Log)(nil).Always(slog.LevelInfo, "nobody listens")
	rpc.NewLog(nil).Always(slog.LevelInfo, "nobody listens")
}
