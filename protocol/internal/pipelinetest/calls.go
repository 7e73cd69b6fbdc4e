package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

func testCalls(t *testing.T, p Protocol, n nettest.Network) {
	c := NewBench(t, p, n, rpc.ServerLimits{}).Dial()
	if got, err := every.NewClient(c).Divide(t.Context(), 200, every.Num2(100)); got != 2 || err != nil {
		t.Errorf("divide(200, 100) = %v, %v", got, err)
	}
	if err := echo(c).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	large := strings.Repeat("é", 1<<20)
	if got, err := echo(c).Strings(t.Context(), large); got != large || err != nil {
		t.Errorf("a string of %d bytes came back with %d: %v", len(large), len(got), err)
	}
	stream := rpc.NewStreamCall(&rpc.Method{Service: "s", Name: "m"}, nil)
	if err := c.Call(t.Context(), stream); code(err) != rpc.Unimplemented {
		t.Errorf("Open returned %v", err)
	}
}

func testErrors(t *testing.T, p Protocol, n nettest.Network) {
	c := NewBench(t, p, n, rpc.ServerLimits{}).Dial()
	_, err := every.NewClient(c).Divide(t.Context(), 1, every.Num2(0))
	if e, ok := errors.AsType[*every.InvalidOperation](err); !ok || e.Message != "invalid operation" {
		t.Errorf("divide(1, 0) returned %v", err)
	}
	for value, want := range map[string]rpc.Code{
		"panic": rpc.Internal, "plain error": rpc.Unknown, "not found": rpc.NotFound, "not UTF-8": rpc.Internal,
	} {
		_, err := echo(c).Strings(t.Context(), value)
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != want || e.Outcome != rpc.OutcomeAnswered ||
			e.Method != "test.every.Echo/strings" {
			t.Errorf("%s: error is %#v, want code %v", value, err, want)
		}
	}
	if _, err := echo(c).Strings(t.Context(), "\xff"); code(err) != rpc.InvalidArgument ||
		outcome(err) != rpc.OutcomeNotStarted {
		t.Errorf("an argument that is not UTF-8: %v", err)
	}
	mustAnswer(t, c)
}

func code(err error) rpc.Code {
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		return e.Code
	}
	return 0
}

func outcome(err error) rpc.Outcome {
	if e, ok := errors.AsType[*rpc.ContextError](err); ok {
		return e.Outcome
	}
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		return e.Outcome
	}
	return rpc.OutcomeAnswered
}

// mustAnswer fails the test if a call on c does not succeed.
func mustAnswer(t *testing.T, c rpc.Conn) {
	t.Helper()
	if got, err := echo(c).Strings(t.Context(), "still there"); got != "still there" || err != nil {
		t.Errorf("a call that should succeed returned %q, %v", got, err)
	}
}

func testManyCallers(t *testing.T, p Protocol, n nettest.Network) {
	c := NewBench(t, p, n, rpc.ServerLimits{}).Dial()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = rpc.WithTimeout(context.Background(), time.Minute)
			}
			for k := range 40 {
				want := fmt.Sprintf("%d of %d %s", k, i, strings.Repeat("x", i*k%3000))
				if got, err := echo(c).Strings(ctx, want); got != want || err != nil {
					t.Errorf("%.20q came back as %.20q, %v", want, got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func testCancel(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	c := b.Dial()
	ctx, cancel := context.WithCancel(t.Context())
	blocked, behind := make(chan error), make(chan error)
	go func() {
		_, err := echo(c).Strings(ctx, "block")
		blocked <- err
	}()
	<-b.Echo.Blocked
	go func() {
		got, err := echo(c).Strings(t.Context(), "behind")
		if got != "behind" {
			err = fmt.Errorf("got %q: %w", got, err)
		}
		behind <- err
	}()
	cancel()
	if err := <-blocked; !errors.Is(err, context.Canceled) || outcome(err) != rpc.OutcomeUnknown {
		t.Errorf("the cancelled call returned %v", err)
	}
	b.Echo.Release <- struct{}{}
	if err := <-behind; err != nil {
		t.Errorf("the call behind it: %v", err)
	}
	mustAnswer(t, c)
	if _, err := echo(c).Strings(ctx, "too late"); !errors.Is(err, context.Canceled) ||
		outcome(err) != rpc.OutcomeNotStarted {
		t.Errorf("a call with an ended context returned %v", err)
	}
}

func testDeadline(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	c := b.Dial()
	contexts := map[string]func() (context.Context, context.CancelFunc){
		"rpc.WithTimeout": func() (context.Context, context.CancelFunc) {
			return rpc.WithTimeout(context.Background(), 20*time.Millisecond), func() {}
		},
		"rpc.WithTimeout under one that can be cancelled": func() (context.Context, context.CancelFunc) {
			return rpc.WithTimeout(t.Context(), 20*time.Millisecond), func() {}
		},
		"context.WithTimeout": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 20*time.Millisecond)
		},
	}
	for name, newContext := range contexts {
		ctx, cancel := newContext()
		_, err := echo(c).Strings(ctx, "block")
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		b.Echo.Release <- struct{}{}
		mustAnswer(t, c)
	}
	past := rpc.WithTimeout(t.Context(), -time.Second)
	if _, err := echo(c).Strings(past, "too late"); !errors.Is(err, context.DeadlineExceeded) ||
		outcome(err) != rpc.OutcomeNotStarted {
		t.Errorf("a deadline in the past: %v", err)
	}
}

func testTooLarge(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{Limits: rpc.Limits{Message: 1000}})
	c := b.Dial()
	_, err := echo(c).Strings(t.Context(), strings.Repeat("x", 1001))
	if code(err) != rpc.ResourceExhausted || outcome(err) != rpc.OutcomeNotStarted {
		t.Errorf("arguments over the limit: %v", err)
	}
	if _, err := echo(c).Strings(t.Context(), "large 1001"); code(err) != rpc.ResourceExhausted ||
		outcome(err) != rpc.OutcomeAnswered {
		t.Errorf("result over the limit: %v", err)
	}
	mustAnswer(t, c)
}

func testCallsLimit(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{Limits: rpc.Limits{Calls: 2}})
	c := b.Dial()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { _, _ = echo(c).Strings(t.Context(), "block") })
	}
	<-b.Echo.Blocked
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := echo(c).Strings(ctx, "one too many")
		cancel()
		if code(err) == rpc.ResourceExhausted && outcome(err) == rpc.OutcomeNotStarted {
			break
		}
	}
	for range 3 {
		b.Echo.Release <- struct{}{}
	}
	wg.Wait()
}
