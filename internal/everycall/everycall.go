// Package everycall makes calls of every kind over every protocol, to a server that counts the handlers which run: for
// tests of what stands before handlers, which no call may get past.
package everycall

import (
	"context"
	"io"
	"iter"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

// Schemes are the protocols of a server's port.
var Schemes = []string{"mux", "basic", "line", "http"}

// A Kind makes one call of its kind, and returns its error.
type Kind struct {
	Name string
	Call func(ctx context.Context, c *everything.CalculatorClient) error
}

// Unary are calls without a stream.
var Unary = []Kind{
	{"unary", func(ctx context.Context, c *everything.CalculatorClient) error {
		_, err := c.Divide(ctx, 200, everything.Num2(100))
		return err
	}},
	{"unary without arguments", func(ctx context.Context, c *everything.CalculatorClient) error { return c.Ping(ctx) }},
}

// Streaming are calls with a stream, of three elements each way.
var Streaming = []Kind{
	{"server stream", func(ctx context.Context, c *everything.CalculatorClient) error {
		return drain(c.Ticks(ctx, 3))
	}},
	{"client stream", func(ctx context.Context, c *everything.CalculatorClient) error {
		_, err := c.Sum(ctx, slices.Values([]int32{1, 2, 3}))
		return err
	}},
	{"client stream without a result", func(ctx context.Context, c *everything.CalculatorClient) error {
		return c.Drain(ctx, slices.Values(make([]everything.Scalars, 3)))
	}},
	{"bidirectional stream", func(ctx context.Context, c *everything.CalculatorClient) error {
		return c.Nodes(ctx, exchange[everything.Node, everything.Node])
	}},
	{"bidirectional stream with arguments", func(ctx context.Context, c *everything.CalculatorClient) error {
		return c.Ratios(ctx, 2, exchange[int32, float32])
	}},
}

// Over returns the kinds of calls that the protocol carries.
func Over(scheme string) []Kind {
	switch scheme {
	case "mux":
		return slices.Concat(Unary, Streaming)
	case "line":
		return slices.Concat(Unary, Streaming[:1]) // streams of results
	}
	return Unary
}

// exchange sends three elements, and receives until the end.
func exchange[Out, In any](ctx context.Context, stream *rpc.BidiStream[Out, In]) error {
	for range 3 {
		var v Out
		if err := stream.Send(ctx, v); err == io.EOF {
			break // the stream has ended, and All says why
		} else if err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return drain(stream.All())
}

func drain[V any](values iter.Seq2[V, error]) error {
	for _, err := range values {
		if err != nil {
			return err
		}
	}
	return nil
}

// Handlers count how often one of them ran. The rest of the interface, which no Kind calls, panics.
type Handlers struct {
	everything.CalculatorHandler
	Ran atomic.Int32
	Do  func(ctx context.Context) error // what each does first; nil for nothing
}

// do is what each handler does first.
func (h *Handlers) do(ctx context.Context) error {
	h.Ran.Add(1)
	if h.Do == nil {
		return nil
	}
	return h.Do(ctx)
}

// Divide divides.
func (h *Handlers) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), h.do(ctx)
}

// Ping does nothing.
func (h *Handlers) Ping(ctx context.Context) error { return h.do(ctx) }

// Ticks counts to n.
func (h *Handlers) Ticks(ctx context.Context, n int32, _ time.Duration) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		if err := h.do(ctx); err != nil {
			yield(0, err)
			return
		}
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// Sum adds up.
func (h *Handlers) Sum(ctx context.Context, nums iter.Seq2[int32, error]) (sum int64, err error) {
	if err := h.do(ctx); err != nil {
		return 0, err
	}
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += int64(n)
	}
	return sum, nil
}

// Drain receives everything.
func (h *Handlers) Drain(ctx context.Context, items iter.Seq2[everything.Scalars, error]) error {
	if err := h.do(ctx); err != nil {
		return err
	}
	return drain(items)
}

// Nodes sends back what comes.
func (h *Handlers) Nodes(ctx context.Context, stream *rpc.BidiStream[everything.Node, everything.Node]) error {
	if err := h.do(ctx); err != nil {
		return err
	}
	for n, err := range stream.All() {
		if err != nil {
			return err
		}
		if err := stream.Send(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// Ratios divides what comes.
func (h *Handlers) Ratios(
	ctx context.Context, base int32, scale float64, stream *rpc.BidiStream[float32, int32],
) error {
	if err := h.do(ctx); err != nil {
		return err
	}
	for n, err := range stream.All() {
		if err != nil {
			return err
		}
		if err := stream.Send(ctx, float32(float64(n)*scale)/float32(base)); err != nil {
			return err
		}
	}
	return nil
}

// Serve serves h at a free port of TCP until the end of the test, and returns the port's address.
func Serve(t testing.TB, o yodel.ServerOptions, h *Handlers) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ServeAt(t, o, h, ln)
	return ln.Addr().String()
}

// ServeAt serves h at ln until the end of the test.
func ServeAt(t testing.TB, o yodel.ServerOptions, h *Handlers, ln net.Listener) {
	t.Helper()
	srv := o.NewServer(everything.NewCalculatorService(h))
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// Dial returns a client that lives as long as the test.
func Dial(t testing.TB, o yodel.DialOptions, target string) *everything.CalculatorClient {
	t.Helper()
	ch, err := o.Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ch.Close() })
	return everything.NewCalculatorClient(ch)
}

// Methods are the full names of the methods that kinds call.
func Methods() []string {
	var names []string
	for _, e := range everything.NewCalculatorService(nil).Endpoints {
		names = append(names, e.Method.FullName())
	}
	return names
}

// WantCode fails the test unless err is an [rpc.Error] of the code.
func WantCode(t testing.TB, what string, err error, code rpc.Code) *rpc.Error {
	t.Helper()
	e, ok := err.(*rpc.Error)
	if !ok || e.Code != code {
		t.Errorf("%s: %v; want %v", what, err, code)
		return rpc.NewError(code, "")
	}
	return e
}
