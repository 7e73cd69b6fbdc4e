package rpc_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A divider is the handler of the example.
type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	switch num2 {
	case 0:
		return 0, divide.NewInvalidOperation()
	case math.MinInt32:
		return 0, &divide.InvalidOperation{}
	}
	return float32(num1) / float32(num2), nil
}

func TestCall(t *testing.T) {
	t.Parallel()
	c := divide.NewClient(newMemory(t, divide.NewService(divider{})))
	if v, err := c.Divide(t.Context(), 200); err != nil || v != 200 {
		t.Errorf("with the default: %v, %v", v, err)
	}
	if v, err := c.Divide(t.Context(), 200, divide.Num2(100)); err != nil || v != 2 {
		t.Errorf("with an option: %v, %v", v, err)
	}
	if v, err := c.Divide(t.Context(), 0, divide.Num2(100), divide.Num2(-1)); err != nil || v != 0 {
		t.Errorf("with zero and two options: %v, %v", v, err)
	}
}

func TestCallException(t *testing.T) {
	t.Parallel()
	c := divide.NewClient(newMemory(t, divide.NewService(divider{})))
	for _, num2 := range []int32{0, math.MinInt32} {
		_, err := c.Divide(t.Context(), 1, divide.Num2(num2))
		x, ok := errors.AsType[*divide.InvalidOperation](err)
		if !ok || x.Error() != "invalid operation" {
			t.Errorf("got %v", err)
		}
	}
}

// constant answers each call at once, as a channel that needs no memory would.
type constant struct{ err error }

func (c constant) Call(context.Context, *rpc.Call) error { return c.err }

func (constant) Open(context.Context, *rpc.Method) (rpc.Stream, error) { return nil, nil }

func TestCallDoesNotAllocate(t *testing.T) {
	c := divide.NewClient(constant{})
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Divide(ctx, 200) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	option := int32(100)
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Divide(ctx, 200, divide.Num2(option)) }); n != 0 {
		t.Errorf("%v allocations with an option", n)
	}
}

// A call keeps nothing of the one before it.
func TestCallStartsAnew(t *testing.T) {
	seen := make(chan int, 2)
	c := divide.NewClient(observed{seen})
	for _, opts := range [][]divide.DivideOption{{divide.Num2(5)}, nil} {
		_, _ = c.Divide(t.Context(), 1, opts...)
	}
	if with, without := <-seen, <-seen; with != 4 || without != 2 {
		t.Errorf("%d bytes of arguments with an option, then %d without", with, without)
	}
}

// observed tells how many bytes the arguments take.
type observed struct{ sizes chan<- int }

func (o observed) Call(_ context.Context, c *rpc.Call) error {
	b, err := wire.Marshal(c.Args)
	o.sizes <- len(b)
	return err
}

func (observed) Open(context.Context, *rpc.Method) (rpc.Stream, error) { return nil, nil }

func TestMissingArgument(t *testing.T) {
	t.Parallel()
	d, err := rpc.NewDispatcher([]*rpc.Service{divide.NewService(divider{})}, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	route, unknown := d.Find([]byte("divide.Divide/divide"))
	if unknown != nil {
		t.Fatal(unknown)
	}
	call := route.NewCall()
	defer call.Release()
	const missing = `missing argument "num1"`
	for text, want := range map[string]string{"": missing, "\x10\x05": missing, "\x08\x00": ""} {
		got := ""
		if err := wire.Unmarshal([]byte(text), call.Args); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
