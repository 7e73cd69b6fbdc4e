package rpc_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

// A streamer answers the methods with streams. The others it does not have, and calling one panics.
type streamer struct{ everything.CalculatorHandler }

func (streamer) Ticks(ctx context.Context, n int32, every time.Duration) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		if n < 0 {
			yield(0, &everything.InvalidOperation{Message: "counting backwards"})
			return
		}
		for i := range n {
			select {
			case <-time.After(every):
			case <-ctx.Done():
				yield(0, ctx.Err())
				return
			}
			if !yield(i+1, nil) {
				return
			}
		}
	}
}

func (streamer) Sum(_ context.Context, nums iter.Seq2[int32, error]) (int64, error) {
	sum := int64(0)
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += int64(n)
	}
	return sum, nil
}

func (streamer) Ratios(
	ctx context.Context, base int32, scale float64, stream *rpc.BidiStream[float32, int32],
) error {
	for n, err := range stream.All() {
		if err == nil && base == 0 {
			err = everything.NewInvalidOperation()
		}
		if err == nil {
			err = stream.Send(ctx, float32(n)/float32(base)*float32(scale))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (streamer) Drain(_ context.Context, items iter.Seq2[everything.Scalars, error]) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

func (streamer) Nodes(ctx context.Context, stream *rpc.BidiStream[everything.Node, everything.Node]) error {
	for {
		n, err := stream.Recv(ctx)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := stream.Send(ctx, n); err != nil {
			return err
		}
	}
}

// exchange is the body of a call that sends what out has, while it gathers in got what comes.
func exchange[Out, In any](out iter.Seq[Out], got *[]In) func(context.Context, *rpc.BidiStream[Out, In]) error {
	return func(ctx context.Context, stream *rpc.BidiStream[Out, In]) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go func() {
			for v := range out {
				if err := stream.Send(ctx, v); err != nil {
					if err != io.EOF {
						cancel(err)
					}
					return
				}
			}
			_ = stream.CloseSend()
		}()
		for {
			v, err := stream.Recv(ctx)
			switch {
			case err == io.EOF:
				return nil
			case err != nil && ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil:
				return err
			}
			*got = append(*got, v)
		}
	}
}

// ratios calls Ratios with all of nums, and returns what came before the error.
func ratios(c *everything.CalculatorClient, ctx context.Context, base int32, nums iter.Seq[int32],
	opts ...everything.RatiosOption) (got []float32, err error) {
	err = c.Ratios(ctx, base, exchange(nums, &got), opts...)
	return got, err
}

// streams runs f in a bubble, where a call that hangs is a failure and a goroutine left behind is one too.
func streams(t *testing.T, f func(t *testing.T, c *everything.CalculatorClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, everything.NewCalculatorClient(newMemory(t, everything.NewCalculatorService(streamer{}))))
	})
}

// collect returns what comes before the error.
func collect[T any](all iter.Seq2[T, error]) ([]T, error) {
	var list []T
	for v, err := range all {
		if err != nil {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
}

func TestStreamOfResults(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		got, err := collect(c.Ticks(t.Context(), 3, everything.Every(time.Hour)))
		if err != nil || !slices.Equal(got, []int32{1, 2, 3}) {
			t.Errorf("got %v, %v", got, err)
		}
		if got, err = collect(c.Ticks(t.Context(), 0)); err != nil || len(got) > 0 {
			t.Errorf("got %v, %v; want nothing", got, err)
		}
	})
}

func TestStreamIsOpenedAnewByEachLoop(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		ticks := c.Ticks(t.Context(), 2)
		for range 2 {
			if got, err := collect(ticks); err != nil || !slices.Equal(got, []int32{1, 2}) {
				t.Errorf("got %v, %v", got, err)
			}
		}
	})
}

func TestStreamException(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		_, err := collect(c.Ticks(t.Context(), -1))
		if x, ok := errors.AsType[*everything.InvalidOperation](err); !ok || x.Message != "counting backwards" {
			t.Errorf("got %v", err)
		}
	})
}

// Leaving the loop ends the handler, which waits for its next tick.
func TestStreamLeft(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		start := time.Now()
		for v, err := range c.Ticks(t.Context(), 1000, everything.Every(time.Hour)) {
			if err != nil || v != 1 {
				t.Errorf("got %v, %v", v, err)
			}
			break
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("the loop took %v", took)
		}
	})
}

func TestStreamCancelled(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		got, err := collect(c.Ticks(ctx, 1000, everything.Every(time.Hour)))
		if len(got) != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestStreamOfArguments(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		if sum, err := c.Sum(t.Context(), slices.Values([]int32{1, 0, -3})); err != nil || sum != -2 {
			t.Errorf("got %v, %v", sum, err)
		}
		if sum, err := c.Sum(t.Context(), slices.Values([]int32(nil))); err != nil || sum != 0 {
			t.Errorf("nothing: got %v, %v", sum, err)
		}
		if err := c.Drain(t.Context(), slices.Values(make([]everything.Scalars, 3))); err != nil {
			t.Error(err)
		}
	})
}

// What is no stream travels in front of the elements.
func TestStreamBehindOtherArguments(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		got, err := ratios(c, t.Context(), 4, slices.Values([]int32{2, 0}), everything.Scale(10))
		if err != nil || !slices.Equal(got, []float32{5, 0}) {
			t.Errorf("got %v, %v", got, err)
		}
		got, err = ratios(c, t.Context(), 4, slices.Values([]int32{2}))
		if err != nil || !slices.Equal(got, []float32{0.5}) {
			t.Errorf("default: got %v, %v", got, err)
		}
		_, err = ratios(c, t.Context(), 0, slices.Values([]int32{1}))
		if _, ok := errors.AsType[*everything.InvalidOperation](err); !ok {
			t.Errorf("base 0: got %v", err)
		}
	})
}

func TestStreamBothWays(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		labels := []string{"one", "", "three"}
		nodes := func(yield func(everything.Node) bool) {
			for _, l := range labels {
				n := everything.NewNode()
				n.Label = l
				if !yield(n) {
					return
				}
			}
		}
		var got []everything.Node
		err := c.Nodes(t.Context(), exchange(nodes, &got))
		if err != nil || len(got) != 3 || got[0].Label != "one" || got[2].Defaults.Score != 2.25 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// atEnd answers a stream both ways with what its Recv or Send has said last.
type atEnd struct{ streamer }

func (atEnd) Nodes(ctx context.Context, stream *rpc.BidiStream[everything.Node, everything.Node]) error {
	for {
		n, err := stream.Recv(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(ctx, n); err != nil {
			return err
		}
	}
}

// A handler may end as the stream does: after the caller's last message that is no failure.
func TestStreamHandlerReturnsTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := everything.NewCalculatorClient(newMemory(t, everything.NewCalculatorService(atEnd{})))
		var got []everything.Node
		nodes := slices.Values([]everything.Node{{}, {}})
		if err := c.Nodes(t.Context(), exchange(nodes, &got)); err != nil || len(got) != 2 {
			t.Errorf("got %v, %v; want both nodes and no error", got, err)
		}
	})
}

// A handler that returns before it has read all ends the stream, and the caller's sequence with it.
func TestStreamHandlerReturnsEarly(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		sent := 0
		endless := func(yield func(int32) bool) {
			for yield(1) {
				sent++
			}
		}
		_, err := ratios(c, t.Context(), 0, endless)
		synctest.Wait() // the sequence may end after the loop
		// few are under way at once
		if _, ok := errors.AsType[*everything.InvalidOperation](err); !ok || sent > 40 {
			t.Errorf("got %v after %d elements", err, sent)
		}
	})
}

// first sends the first message of a stream as a caller with another definition might.
func first(t *testing.T, name string, args rpc.Message) error {
	t.Helper()
	m := newMemory(t, everything.NewCalculatorService(streamer{}))
	method := &rpc.Method{Service: "everything.Calculator", Name: name}
	return m.Call(t.Context(), rpc.NewStreamCall(method, func(ctx context.Context, stream rpc.Stream) error {
		if args != nil {
			if err := stream.Send(ctx, args); err != nil {
				return err
			}
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		return stream.Recv(ctx, new(everything.Scalars))
	}))
}

func TestStreamMissingArguments(t *testing.T) {
	t.Parallel()
	empty := new(everything.Scalars)
	for name, tt := range map[string]struct {
		method string
		args   rpc.Message
		want   string
	}{
		"no message":         {"ticks", nil, "the arguments are missing"},
		"no message, behind": {"ratios", nil, "the arguments are missing"},
		"empty":              {"ticks", empty, `missing argument "n"`},
		"empty, behind":      {"ratios", empty, `missing argument "base"`},
	} {
		synctest.Test(t, func(t *testing.T) {
			err, ok := errors.AsType[*rpc.Error](first(t, tt.method, tt.args))
			if !ok || err.Message != tt.want {
				t.Errorf("%s: got %v, want %s", name, err, tt.want)
			}
		})
	}
}

func TestStreamHandlerPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := everything.NewCalculatorClient(newMemory(t, everything.NewCalculatorService(struct {
			everything.CalculatorHandler
		}{})))
		_, err := collect(c.Ticks(t.Context(), 1))
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Internal {
			t.Errorf("got %v", err)
		}
	})
}
