package yodel_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

// A counter is a handler of endless streams, and what becomes of them.
type counter struct {
	sent  int
	ended error // the context's, when the handler saw it
}

// ticks counts up to n, or for ever if n is 0, without a look at the context: where nobody receives, sending waits.
func (k *counter) ticks(ctx context.Context, n int32) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		defer func() { k.ended = ctx.Err() }()
		for k.sent = 0; n == 0 || k.sent < int(n); k.sent++ {
			if !yield(int32(k.sent), nil) {
				return
			}
		}
	}
}

// echoes sends back what comes.
func echoes(_ context.Context, nodes iter.Seq2[everything.Node, error]) iter.Seq2[everything.Node, error] {
	return nodes
}

func TestInProcessStreams(t *testing.T) {
	k := new(counter)
	inBubble(t, yodel.ServerOptions{}, local{ticks: k.ticks, nodes: echoes},
		func(t *testing.T, _ *yodel.Server, c *everything.CalculatorClient) {
			var got []int32
			for v, err := range c.Ticks(t.Context(), 100) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, v)
			}
			if len(got) != 100 || !slices.IsSorted(got) {
				t.Errorf("received %v", got)
			}
			if sum, err := c.Sum(t.Context(), slices.Values(got)); err != nil || sum != 4950 {
				t.Errorf("the sum is %d, %v", sum, err)
			}
			var n atomic.Int32
			for v, err := range callNodes(t.Context(), c, func(yield func(everything.Node) bool) {
				for yield(everything.Node{Label: "x"}) && n.Load() < 40 { // both sides go on while the other does
				}
			}) {
				if n.Add(1); err != nil || v.Label != "x" {
					t.Fatalf("%v, %v", v, err)
				}
			}
			if n.Load() < 40 {
				t.Errorf("received %d messages", n.Load())
			}
		})
}

// A stream ends on both sides at once, whichever way the caller leaves it, and sending does not run ahead of receiving.
func TestInProcessStreamsEndWithTheCaller(t *testing.T) {
	k := new(counter)
	inBubble(t, yodel.ServerOptions{}, local{ticks: k.ticks},
		func(t *testing.T, _ *yodel.Server, c *everything.CalculatorClient) {
			check := func(what string, want error, received int) {
				t.Helper()
				synctest.Wait()
				if k.ended != want {
					t.Errorf("%s: the handler's context has %v; want %v", what, k.ended, want)
				}
				if ahead := k.sent - received; ahead > 20 {
					t.Errorf("%s: %d messages were sent, of which %d were received", what, k.sent, received)
				}
				k.ended = nil
			}
			for range c.Ticks(t.Context(), 0) {
				time.Sleep(time.Second)
				break
			}
			check("break", context.Canceled, 1)

			func() {
				defer func() {
					if p := recover(); p != "mine" {
						t.Errorf("recovered %v", p)
					}
				}()
				for range c.Ticks(t.Context(), 0) {
					panic("mine")
				}
			}()
			check("panic", context.Canceled, 1)

			exited := make(chan struct{})
			go func() {
				defer close(exited)
				for range c.Ticks(context.Background(), 0) {
					runtime.Goexit()
				}
			}()
			<-exited
			check("Goexit", context.Canceled, 1)

			ctx, cancel := context.WithCancel(t.Context())
			n, last := 0, error(nil)
			for _, err := range c.Ticks(ctx, 0) {
				if last = err; err == nil {
					n++
				}
				cancel()
			}
			if e, ok := errors.AsType[*rpc.ContextError](last); !ok || n != 1 || !errors.Is(last, context.Canceled) ||
				e.Outcome != rpc.OutcomeUnknown {
				t.Errorf("canceled: %d messages and %v", n, last)
			}
			check("cancel", context.Canceled, 1)

			ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			n = 0
			for _, err := range c.Ticks(ctx, 0) {
				if last = err; err == nil {
					n++
				}
				time.Sleep(25 * time.Second)
			}
			if !errors.Is(last, context.DeadlineExceeded) || n != 3 || time.Since(began) < time.Minute {
				t.Errorf("deadline: %d messages and %v", n, last)
			}
			check("deadline", context.DeadlineExceeded, 3)
		})
}

// What the handler returns comes behind the messages that it has sent.
func TestInProcessStreamsEndWithTheHandler(t *testing.T) {
	outcomes := []func(yield func(int32, error) bool){
		func(yield func(int32, error) bool) { yield(0, everything.NewInvalidOperation()) },
		func(yield func(int32, error) bool) { yield(0, rpc.NewError(rpc.Aborted, "enough")) },
		func(func(int32, error) bool) { panic("a test panics") },
		func(func(int32, error) bool) { runtime.Goexit() },
	}
	h := local{
		ticks: func(_ context.Context, n int32) iter.Seq2[int32, error] {
			return func(yield func(int32, error) bool) {
				if yield(1, nil) && yield(2, nil) {
					outcomes[n](yield)
				}
			}
		},
		nodes: func(context.Context, iter.Seq2[everything.Node, error]) iter.Seq2[everything.Node, error] {
			return func(yield func(everything.Node, error) bool) {} // reads nothing
		},
	}
	inBubble(t, yodel.ServerOptions{}, h, func(t *testing.T, _ *yodel.Server, c *everything.CalculatorClient) {
		for i := range outcomes {
			var got []int32
			var last error
			for v, err := range c.Ticks(t.Context(), int32(i)) {
				if last = err; err == nil {
					got = append(got, v)
				}
				time.Sleep(time.Second) // the handler has long returned
			}
			if !slices.Equal(got, []int32{1, 2}) {
				t.Errorf("%d: received %v", i, got)
			}
			if _, ok := errors.AsType[*everything.InvalidOperation](last); i == 0 && !ok {
				t.Errorf("the exception came as %v", last)
			}
			if i > 0 {
				wantCode(t, last, []rpc.Code{rpc.Aborted, rpc.Internal, rpc.Internal}[i-1], rpc.OutcomeAnswered)
			}
		}
		endless := func(yield func(everything.Node) bool) {
			for yield(everything.Node{}) {
			}
		}
		for v, err := range callNodes(t.Context(), c, endless) { // ends although there is always more to send
			t.Errorf("received %v, %v", v, err)
		}
	})
}

// A message that cannot be sent ends the stream, and says why.
func TestInProcessStreamSerialize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := yodel.NewServer(everything.NewCalculatorService(local{nodes: echoes}))
		defer srv.Close()
		c := everything.NewCalculatorClient(yodel.InProcessOptions{Serialize: true}.Channel(srv))
		var last error
		for _, err := range callNodes(t.Context(), c, slices.Values([]everything.Node{{Label: "\xff"}})) {
			last = err
		}
		if e, ok := errors.AsType[*rpc.Error](last); !ok || e.Code != rpc.InvalidArgument ||
			!strings.Contains(e.Message, "UTF-8") {
			t.Errorf("a string that is not UTF-8: %v", last)
		}
	})
}

func TestInProcessShutdown(t *testing.T) {
	k := new(counter)
	h := local{ticks: k.ticks, echo: func(ctx context.Context, data []byte) ([]byte, error) {
		select {
		case <-time.After(time.Minute):
			return data, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	inBubble(t, yodel.ServerOptions{}, h, func(t *testing.T, srv *yodel.Server, c *everything.CalculatorClient) {
		finished, stream := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.Echo(context.Background(), nil)
			finished <- err
		}()
		go func() {
			var last error
			for _, err := range c.Ticks(context.Background(), 0) {
				last = err
				time.Sleep(time.Second)
			}
			stream <- last
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		down, began := make(chan error, 1), time.Now()
		go func() { down <- srv.Shutdown(ctx) }()
		synctest.Wait()
		_, err := c.Echo(t.Context(), nil)
		wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if err := <-finished; err != nil || time.Since(began) != time.Minute {
			t.Errorf("the call that ran ended after %v with %v", time.Since(began), err)
		}
		wantCode(t, <-stream, rpc.Unavailable, rpc.OutcomeUnknown)
		err = <-down
		synctest.Wait()
		if err != context.DeadlineExceeded || k.ended != context.Canceled {
			t.Errorf("Shutdown: %v; the stream's handler: %v", err, k.ended)
		}
		_, err = c.Echo(t.Context(), nil)
		wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
	})
}

func TestInProcessClose(t *testing.T) {
	var ended error
	h := local{echo: func(ctx context.Context, data []byte) ([]byte, error) {
		<-ctx.Done()
		if ended = ctx.Err(); string(data) == "stubborn" {
			time.Sleep(time.Minute)
		}
		return nil, ended
	}}
	call := func(c *everything.CalculatorClient, data string) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := c.Echo(context.Background(), []byte(data))
			done <- err
		}()
		synctest.Wait()
		return done
	}
	inBubble(t, yodel.ServerOptions{}, h, func(t *testing.T, srv *yodel.Server, c *everything.CalculatorClient) {
		other := srv.Channel()
		done := call(everything.NewCalculatorClient(other), "")
		other.Close()
		err := <-done
		synctest.Wait()
		wantCode(t, err, rpc.Unavailable, rpc.OutcomeUnknown)
		if ended != context.Canceled {
			t.Errorf("a closed channel: the handler's context has %v", ended)
		}
		if _, err := everything.NewCalculatorClient(other).Echo(t.Context(), nil); err == nil {
			t.Error("a closed channel made a call")
		}
		done = call(c, "stubborn")
		err = srv.Close()
		if err == nil || !strings.Contains(err.Error(), "everything.Calculator/echo (1)") {
			t.Errorf("Close = %v; want it to name the handler that runs on", err)
		}
		wantCode(t, <-done, rpc.Unavailable, rpc.OutcomeUnknown)
		time.Sleep(time.Hour)
	})
}
