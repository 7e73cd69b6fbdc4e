package interop_test

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/golang"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the generated Go anew")

// definition is what both languages are generated from.
const definition = "../../protocol/basic/testdata/every.yodel"

// TestGenerated holds that package every is what its definition says.
func TestGenerated(t *testing.T) {
	t.Parallel()
	files, diags := check.Files(os.ReadFile, definition)
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	want, err := golang.Generate(files[0], golang.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("every/every.go", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("every/every.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("every/every.go is not what is generated from %s now; run go test ./internal/interop -update",
			definition)
	}
}

// listen runs a Go server of the handlers below until the test ends.
func listen(t *testing.T) (addr string) {
	t.Helper()
	_, addr = serve(t, newEcho())
	return addr
}

func serve(t *testing.T, handlers echo) (server *yodel.Server, addr string) {
	t.Helper()
	server, ln := serveOver(t, nettest.TCP, handlers)
	return server, ln.Addr().String()
}

// overAll runs a test with a Go server of the handlers below on each network.
func overAll(t *testing.T, test func(t *testing.T, to nettest.Listener)) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			_, ln := serveOver(t, n, newEcho())
			test(t, ln)
		})
	}
}

func serveOver(t *testing.T, n nettest.Network, handlers echo) (server *yodel.Server, ln nettest.Listener) {
	t.Helper()
	ln = n.Listen(t)
	server = yodel.NewServer(every.NewEchoService(handlers), every.NewService(divider{}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.WithoutCancel(t.Context()), ln) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
		<-served
	})
	return server, ln
}

type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, every.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// An echo answers like the handlers of the tests in Python.
type echo struct {
	begun, told       *atomic.Int32 // waits, and those whose end was told
	waits             chan string   // how each ended
	lingers, released chan struct{} // a call lingers, until it is released
}

func newEcho() echo {
	return echo{
		begun: new(atomic.Int32), told: new(atomic.Int32), waits: make(chan string, 10),
		lingers: make(chan struct{}), released: make(chan struct{}),
	}
}

func (echo) Bools(_ context.Context, v bool) (bool, error)                           { return v, nil }
func (echo) Ints(_ context.Context, v int32) (int32, error)                          { return v, nil }
func (echo) Longs(_ context.Context, v int64) (int64, error)                         { return v, nil }
func (echo) Uints(_ context.Context, v uint32) (uint32, error)                       { return v, nil }
func (echo) Ulongs(_ context.Context, v uint64) (uint64, error)                      { return v, nil }
func (echo) Floats(_ context.Context, v float32) (float32, error)                    { return v, nil }
func (echo) Doubles(_ context.Context, v float64) (float64, error)                   { return v, nil }
func (echo) Strings(_ context.Context, v string) (string, error)                     { return v, nil }
func (echo) Blobs(_ context.Context, v []byte) ([]byte, error)                       { return v, nil }
func (echo) Timestamps(_ context.Context, v time.Time) (time.Time, error)            { return v, nil }
func (echo) Durations(_ context.Context, v time.Duration) (time.Duration, error)     { return v, nil }
func (echo) Roundings(_ context.Context, v every.Rounding) (every.Rounding, error)   { return v, nil }
func (echo) Scalars(_ context.Context, v every.Scalars) (every.Scalars, error)       { return v, nil }
func (echo) Defaults(_ context.Context, v every.Defaults) (every.Defaults, error)    { return v, nil }
func (echo) Optionals(_ context.Context, v every.Optionals) (every.Optionals, error) { return v, nil }
func (echo) Containers(_ context.Context, v every.Containers) (every.Containers, error) {
	return v, nil
}
func (echo) Shapes(_ context.Context, v every.Shape) (every.Shape, error)             { return v, nil }
func (echo) Circles(_ context.Context, v []every.Circle) ([]every.Circle, error)      { return v, nil }
func (echo) Maps(_ context.Context, v map[string]float64) (map[string]float64, error) { return v, nil }
func (echo) Maybe(_ context.Context, v *int32) (*int32, error)                        { return v, nil }
func (echo) MaybeNode(_ context.Context, v *every.Node) (*every.Node, error)          { return v, nil }
func (echo) Ping(context.Context) error                                               { return nil }
func (echo) Ticks(context.Context, int32) iter.Seq2[int32, error]                     { return nil }
func (echo) Sum(context.Context, iter.Seq2[int32, error]) (int32, error)              { return 0, nil }

func (echo) Defaulted(
	_ context.Context, a int32, b string, c every.Rounding, d time.Duration, e *float32, f []int32,
) (string, error) {
	single := "-"
	if e != nil {
		single = fmt.Sprint(*e)
	}
	var numbers []string
	for _, n := range f {
		numbers = append(numbers, strconv.Itoa(int(n)))
	}
	return fmt.Sprintf("%d %s %d %v %s %s", a, b, c, d.Seconds(), single, strings.Join(numbers, ",")), nil
}

// waited returns how a wait ended whose end was not told yet, as an error.
func (e echo) waited(ctx context.Context) error {
	if e.begun.Load() == e.told.Load() {
		return rpc.NewError(rpc.NotFound, "nothing")
	}
	select {
	case end := <-e.waits:
		e.told.Add(1)
		return rpc.NewError(rpc.NotFound, end)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e echo) Buy(ctx context.Context, item string, _ int32) error {
	switch item {
	case "nothing":
		return every.NewOutOfStock()
	case "tea":
		return &every.OutOfStock{Message: "no tea", Left: 3, Instead: []string{"coffee"}}
	case "silence":
		return &every.Silent{Number: 5}
	case "bug":
		panic("a secret")
	case "detailed":
		return rpc.NewError(rpc.Aborted, "again").WithDetails(&every.Circle{Radius: 1},
			&every.OutOfStock{Message: "no tea", Left: 3, Instead: []string{"coffee"}}, &every.Circle{Radius: 2.5})
	case "detailed too much":
		large := &every.OutOfStock{Message: strings.Repeat("x", 4000)}
		return rpc.NewError(rpc.Aborted, "again").WithDetails(large, large, large)
	case "denied":
		return rpc.NewError(rpc.PermissionDenied, "not you")
	case "wait":
		e.begun.Add(1)
		<-ctx.Done()
		e.waits <- ctx.Err().Error()
		return ctx.Err()
	case "begun":
		return rpc.NewError(rpc.NotFound, fmt.Sprint(e.begun.Load()-e.told.Load()))
	case "waited":
		return e.waited(ctx)
	case "trace":
		return rpc.NewError(rpc.NotFound, strings.Join(rpc.IncomingMetadata(ctx)["trace"], ","))
	case "linger":
		close(e.lingers)
		<-e.released
	}
	return nil
}
