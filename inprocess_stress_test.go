package yodel_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

// Many callers, some of whom give up, while channels are closed and the server shuts down: every call has an outcome,
// a result is the right one, and no goroutine is left, which TestMain looks for.
func TestInProcessStress(t *testing.T) {
	t.Parallel()
	h := local{
		echo:  func(_ context.Context, data []byte) ([]byte, error) { return slices.Concat(data, data), nil },
		nodes: echoes,
		ticks: func(ctx context.Context, n int32) iter.Seq2[int32, error] { return new(counter).ticks(ctx, n) },
	}
	srv := yodel.ServerOptions{Limits: rpc.ServerLimits{Limits: rpc.Limits{Calls: 8}}}.NewServer(
		everything.NewCalculatorService(h))
	var callers sync.WaitGroup
	for i := range 8 {
		ch := yodel.InProcessOptions{Serialize: i%2 == 0}.Channel(srv)
		for j := range 4 {
			callers.Go(func() {
				c := everything.NewCalculatorClient(ch)
				for k := range 100 {
					stressCall(t, c, j, k)
				}
				if j == 0 {
					ch.Close() // in the middle of the others' calls
				}
			})
		}
	}
	callers.Wait()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func stressCall(t *testing.T, c *everything.CalculatorClient, j, k int) {
	ctx := t.Context()
	if k%3 == 1 {
		short, cancel := context.WithTimeout(ctx, time.Duration(k)*time.Microsecond)
		defer cancel()
		ctx = short
	}
	var err error
	switch (j + k) % 3 {
	case 0:
		var got []byte
		if got, err = c.Echo(ctx, []byte{byte(k)}); err == nil && !slices.Equal(got, []byte{byte(k), byte(k)}) {
			t.Errorf("echo of %d is %v", k, got)
		}
	case 1:
		next := int32(0)
		for v, e := range c.Ticks(ctx, 50) {
			if err = e; e == nil && v != next {
				t.Errorf("received %d in place of %d", v, next)
			}
			if next++; next == int32(k) {
				break
			}
		}
	case 2:
		sent := []everything.Node{{Label: "a"}, {Label: "b"}, {Label: "c"}}
		i := 0
		for v, e := range callNodes(ctx, c, slices.Values(sent)) {
			if err = e; e == nil && v.Label != sent[i].Label {
				t.Errorf("received %q in place of %q", v.Label, sent[i].Label)
			}
			i++
		}
	}
	if err == nil {
		return
	}
	if e, ok := errors.AsType[*rpc.Error](err); ok && (e.Code == rpc.Unavailable || e.Code == rpc.FailedPrecondition) {
		return // the channel was closed
	}
	_, ended := errors.AsType[*rpc.ContextError](err)
	if !ended && !((j+k)%3 == 2 && errors.Is(err, context.DeadlineExceeded)) { // callNodes returns its context's
		t.Errorf("call %d of %d, of kind %d, ended with %v", k, j, (j+k)%3, err)
	}
}
