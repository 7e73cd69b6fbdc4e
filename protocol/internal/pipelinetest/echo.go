package pipelinetest

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// An Echo answers the services of package every. Most methods return what they get; some strings make Strings do
// something else.
type Echo struct {
	Blocked chan struct{} // gets an element when Strings("block") has begun
	Release chan struct{} // an element makes one Strings("block") return
	Ended   chan error    // gets the context's error when Strings("until done") returns

	mu   sync.Mutex
	seen []string
}

// newQuickEcho returns one that never waits for the test.
func newQuickEcho() *Echo {
	e := &Echo{Release: make(chan struct{})}
	close(e.Release)
	return e
}

func newEcho() *Echo {
	return &Echo{Blocked: make(chan struct{}, 1000), Release: make(chan struct{}, 1000), Ended: make(chan error, 1000)}
}

func (e *Echo) services() []*rpc.Service {
	return []*rpc.Service{every.NewEchoService(e), every.NewService(e)}
}

// Seen returns the values that Strings was called with, in order.
func (e *Echo) Seen() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.seen...)
}

// Strings returns value, except where that says otherwise.
func (e *Echo) Strings(ctx context.Context, value string) (string, error) {
	e.mu.Lock()
	e.seen = append(e.seen, value)
	e.mu.Unlock()
	switch value {
	case "block":
		e.begun()
		<-e.Release
	case "until done":
		e.begun()
		<-ctx.Done()
		if e.Ended != nil {
			e.Ended <- ctx.Err()
		}
		return "", ctx.Err()
	case "panic":
		panic("as it was told to")
	case "plain error":
		return "", fmt.Errorf("a plain error\r\nof two lines")
	case "not found":
		return "", rpc.NewError(rpc.NotFound, "no such thing")
	case "not UTF-8":
		return "\xff", nil
	}
	if n, ok := strings.CutPrefix(value, "pause "); ok {
		var milliseconds int
		_, _ = fmt.Sscan(n, &milliseconds)
		time.Sleep(time.Duration(min(max(milliseconds, 0), 20)) * time.Millisecond)
	}
	if n, ok := strings.CutPrefix(value, "large "); ok {
		var size int
		_, _ = fmt.Sscan(n, &size)
		size = min(max(size, 0), 1<<20)
		return strings.Repeat("x", size), nil
	}
	return value, nil
}

func (e *Echo) begun() {
	if e.Blocked != nil {
		e.Blocked <- struct{}{}
	}
}

// Divide divides.
func (e *Echo) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, every.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// Defaulted says what it got.
func (e *Echo) Defaulted(_ context.Context, a int32, b string, c every.Rounding, d time.Duration, x *float32,
	f []int32) (string, error) {
	optional := "-"
	if x != nil {
		optional = fmt.Sprint(*x)
	}
	numbers := strings.Trim(strings.ReplaceAll(fmt.Sprint(f), " ", ","), "[]")
	return fmt.Sprintf("%d %s %d %v %s %s", a, b, int32(c), d.Seconds(), optional, numbers), nil
}

// Buy sells nothing.
func (e *Echo) Buy(_ context.Context, item string, _ int32) error {
	switch item {
	case "tea":
		return &every.OutOfStock{Message: "no tea", Left: 3, Instead: []string{"coffee"}}
	case "silence":
		return &every.Silent{Number: 5}
	}
	return every.NewOutOfStock()
}

// The others return what they get.

func (e *Echo) Bools(_ context.Context, v bool) (bool, error)                         { return v, nil }
func (e *Echo) Ints(_ context.Context, v int32) (int32, error)                        { return v, nil }
func (e *Echo) Longs(_ context.Context, v int64) (int64, error)                       { return v, nil }
func (e *Echo) Uints(_ context.Context, v uint32) (uint32, error)                     { return v, nil }
func (e *Echo) Ulongs(_ context.Context, v uint64) (uint64, error)                    { return v, nil }
func (e *Echo) Floats(_ context.Context, v float32) (float32, error)                  { return v, nil }
func (e *Echo) Doubles(_ context.Context, v float64) (float64, error)                 { return v, nil }
func (e *Echo) Blobs(_ context.Context, v []byte) ([]byte, error)                     { return v, nil }
func (e *Echo) Timestamps(_ context.Context, v time.Time) (time.Time, error)          { return v, nil }
func (e *Echo) Durations(_ context.Context, v time.Duration) (time.Duration, error)   { return v, nil }
func (e *Echo) Roundings(_ context.Context, v every.Rounding) (every.Rounding, error) { return v, nil }
func (e *Echo) Scalars(_ context.Context, v every.Scalars) (every.Scalars, error)     { return v, nil }
func (e *Echo) Defaults(_ context.Context, v every.Defaults) (every.Defaults, error)  { return v, nil }
func (e *Echo) Optionals(_ context.Context, v every.Optionals) (every.Optionals, error) {
	return v, nil
}
func (e *Echo) Shapes(_ context.Context, v every.Shape) (every.Shape, error)        { return v, nil }
func (e *Echo) Circles(_ context.Context, v []every.Circle) ([]every.Circle, error) { return v, nil }
func (e *Echo) Maybe(_ context.Context, v *int32) (*int32, error)                   { return v, nil }
func (e *Echo) MaybeNode(_ context.Context, v *every.Node) (*every.Node, error)     { return v, nil }
func (e *Echo) Ping(context.Context) error                                          { return nil }

// Containers returns v.
func (e *Echo) Containers(_ context.Context, v every.Containers) (every.Containers, error) {
	return v, nil
}

// Maps returns v.
func (e *Echo) Maps(_ context.Context, v map[string]float64) (map[string]float64, error) {
	return v, nil
}

// What Ticks does where it does not count.
const (
	TicksForever int32 = -1 - iota // it counts on until it is stopped; then Ended gets the context's error
	TicksWait                      // it waits for the end of the context behind 1; then Ended gets its error
	TicksFail                      // it fails behind 1
	TicksPanic                     // it panics behind 1
)

// Ticks counts from 1 to count.
func (e *Echo) Ticks(ctx context.Context, count int32) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		if count == TicksForever || count == TicksWait {
			defer func() { e.Ended <- ctx.Err() }()
		}
		for i := int32(1); (count < 0 || i <= count) && yield(i, nil); i++ {
			switch count {
			case TicksWait:
				<-ctx.Done()
				return
			case TicksFail:
				yield(0, rpc.NewError(rpc.Aborted, "behind the first"))
				return
			case TicksPanic:
				panic("as it was told to")
			}
		}
	}
}

// Sum is a stream of arguments, which the protocols do not carry.
func (e *Echo) Sum(context.Context, iter.Seq2[int32, error]) (int32, error) { panic("called") }

// NewDispatcher returns a dispatcher for the services of package every.
func NewDispatcher(tb testing.TB, limits rpc.ServerLimits) *rpc.Dispatcher {
	tb.Helper()
	d, err := rpc.NewDispatcher(newQuickEcho().services(), rpc.DispatcherOptions{Limits: limits})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// NewCall returns a call of the named method of package every with the given arguments in JSON.
func NewCall(tb testing.TB, d *rpc.Dispatcher, method string, args []byte) *rpc.Call {
	tb.Helper()
	route, unknown := d.Find([]byte(method))
	if unknown != nil {
		tb.Fatal(unknown)
	}
	call := route.NewCall()
	if err := wire.UnmarshalJSON(args, call.Args); err != nil {
		tb.Fatal(err)
	}
	return call
}

// SameResult fails the test if the call's result is not what want says in JSON.
func SameResult(tb testing.TB, d *rpc.Dispatcher, call *rpc.Call, want []byte) {
	tb.Helper()
	route, _ := d.Find([]byte(call.Method.FullName()))
	other := route.NewCall()
	if err := wire.UnmarshalJSON(want, other.Result); err != nil {
		tb.Fatal(err)
	}
	x, errX := wire.AppendJSON(nil, call.Result)
	y, errY := wire.AppendJSON(nil, other.Result)
	if errX != nil || errY != nil || string(x) != string(y) {
		tb.Errorf("result is %s, want %s (%v, %v)", x, y, errX, errY)
	}
}
