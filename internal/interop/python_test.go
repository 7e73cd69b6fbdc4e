package interop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/idl/check"
	generator "github.com/yodelrpc/yodel/idl/gen/python"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/testenv"
	"github.com/yodelrpc/yodel/rpc"
)

// python returns a command that runs a program in testdata with generated modules, beside what the
// generator's tests use.
func python(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	python3 := testenv.Need(t, "python3")
	shared, err := filepath.Abs("../../idl/gen/python/testdata")
	if err != nil {
		t.Fatal(err)
	}
	modules := t.TempDir()
	for _, path := range []string{definition, filepath.Join(shared, "divide.yodel"),
		filepath.Join(shared, "hostile.yodel"), "feeds/feeds.yodel"} {
		writeModule(t, modules, path)
	}
	cmd := exec.CommandContext(t.Context(), python3, append([]string{"-W", "error", "-B", program}, args...)...)
	cmd.Dir = "testdata"
	cmd.Env = append(os.Environ(), "PYTHONPATH="+modules+string(os.PathListSeparator)+shared)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// writeModule writes what is generated from a definition to a folder.
func writeModule(t *testing.T, dir, path string) {
	t.Helper()
	files, diagnostics := check.Files(os.ReadFile, path)
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	module, err := generator.Generate(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, generator.FileName(filepath.Base(path))), module, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPythonClient(t *testing.T) {
	t.Parallel()
	if out, err := python(t, "client.py", listen(t)).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// startPython runs a server in Python until the test ends.
func startPython(t *testing.T, class string) (addr string) {
	t.Helper()
	addr, _, _ = startPythonServer(t, class)
	return addr
}

// startPythonServer gives in addition what the server says later on, and what makes it shut down.
func startPythonServer(t *testing.T, args ...string) (addr string, said *bufio.Reader, shutdown func()) {
	t.Helper()
	return startPythonProgram(t, "server.py", args...)
}

func startPythonProgram(t *testing.T, program string, args ...string) (
	addr string, said *bufio.Reader, shutdown func(),
) {
	t.Helper()
	cmd := python(t, program, args...)
	cmd.Cancel = func() error { return nil } // the end of its input ends it
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the server in Python: %v", err)
		}
	})
	said = bufio.NewReader(stdout)
	line, err := said.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), said, func() { stdin.Close() }
}

func TestPythonServer(t *testing.T) {
	t.Parallel()
	for _, class := range []string{"Server", "ThreadServer"} {
		for _, protocol := range []string{"basic", "line", "mux"} {
			t.Run(class+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				ch, err := yodel.Dial(protocol + "://" + startPython(t, class))
				if err != nil {
					t.Fatal(err)
				}
				defer ch.Close()
				testValues(t, every.NewEchoClient(ch))
				testCalls(t, every.NewEchoClient(ch), every.NewClient(ch))
				testExceptions(t, every.NewEchoClient(ch))
				testDetails(t, every.NewEchoClient(ch), protocol != "basic")
			})
		}
	}
}

// same calls a method with each value and wants it back.
func same[T any](t *testing.T, name string, call func(context.Context, T) (T, error), values ...T) {
	t.Helper()
	for _, value := range values {
		got, err := call(t.Context(), value)
		if err != nil {
			t.Errorf("%s(%+v): %v", name, value, err)
		} else if text := fmt.Sprintf("%+v", value); !reflect.DeepEqual(got, value) && fmt.Sprintf("%+v", got) != text {
			t.Errorf("%s(%s) answers %+v", name, text, got) // nil and empty bytes are the same, and print so
		}
	}
}

func testValues(t *testing.T, c *every.EchoClient) {
	same(t, "bools", c.Bools, false, true)
	same(t, "ints", c.Ints, 0, -1, math.MinInt32, math.MaxInt32)
	same(t, "longs", c.Longs, 0, -1, math.MinInt64, math.MaxInt64)
	same(t, "uints", c.Uints, 0, math.MaxUint32)
	same(t, "ulongs", c.Ulongs, 0, math.MaxUint64)
	same(t, "floats", c.Floats, 0, 0.1, -2.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(1)))
	same(t, "doubles", c.Doubles, 0, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1))
	same(t, "strings", c.Strings, "", "é€😀", "\"\\\r\n\x00\u2028")
	same(t, "blobs", c.Blobs, []byte{0, 255})
	same(t, "timestamps", c.Timestamps, time.Unix(0, 0).UTC(), time.Unix(-1, 999999000).UTC(), time.Time{})
	same(t, "durations", c.Durations, 0, -time.Microsecond, 290*365*24*time.Hour)
	same(t, "roundings", c.Roundings, every.RoundingHalfEven, every.RoundingUp, 1234)
	same(t, "scalars", c.Scalars, every.Scalars{}, scalars)
	same(t, "defaults", c.Defaults, every.NewDefaults(), every.Defaults{})
	same(t, "optionals", c.Optionals, every.Optionals{}, optionals())
	same(t, "containers", c.Containers, every.NewContainers(), containers())
	same[every.Shape](t, "shapes", c.Shapes, nil, every.ShapeCircle{}, every.ShapeName{Name: ""})
	same(t, "circles", c.Circles, []every.Circle{{Radius: 2}, every.NewCircle()})
	same(t, "maps", c.Maps, map[string]float64{"": 1, "é": -0.5})
	same(t, "maybe", func(ctx context.Context, v *int32) (*int32, error) {
		if v == nil {
			return c.Maybe(ctx)
		}
		return c.Maybe(ctx, every.Value(*v))
	}, nil, new(int32(0)), new(int32(7)))
	same(t, "maybe_node", func(ctx context.Context, v *every.Node) (*every.Node, error) {
		if v == nil {
			return c.MaybeNode(ctx)
		}
		return c.MaybeNode(ctx, every.MaybeNodeValue(*v))
	}, nil, &every.Node{}, &every.Node{Children: []every.Node{{Value: 1}, {}}})
}

var scalars = every.Scalars{
	Flag: true, Small: -1, Large: math.MinInt64, Positive: 1, Huge: math.MaxUint64, Single: 0.1, Real: 0.1, Text: "é",
	Data: []byte{1}, Seen: time.Unix(1e9, 5000).UTC(), Took: -time.Second, Rounding: every.RoundingDown,
}

func optionals() every.Optionals {
	return every.Optionals{
		Flag: new(false), Small: new(int32(0)), Text: new(""), Data: new([]byte{1}), Seen: new(time.Unix(0, 0).UTC()),
		Took: new(time.Duration(0)), Rounding: new(every.RoundingHalfEven), Scalars: new(scalars),
		Shape: every.ShapeSquare{Square: every.Square{Side: 1}},
	}
}

func containers() every.Containers {
	return every.Containers{
		Ints:     []int32{1, 0, -1},
		Texts:    []string{"", "é"},
		Circles:  []every.Circle{{}, every.NewCircle()},
		Shapes:   []every.Shape{every.ShapeRawNumber{RawNumber: math.MaxInt64}, nil, every.ShapeName{Name: "n"}},
		Counts:   map[string]int64{"a": math.MinInt64, "": 0},
		ByNumber: map[int32]every.Circle{-1: {}, 10: {Radius: 0.25}},
		ByFlag:   map[bool]every.Rounding{true: every.RoundingUp, false: 99},
		Times:    []time.Time{time.Unix(0, 0).UTC(), {}},
		Circle:   every.Circle{Radius: 3},
		Shape:    every.ShapeCircle{Circle: every.NewCircle()},
		Node:     every.Node{Value: 1, Children: []every.Node{{Value: 2, Children: []every.Node{{}}}}},
	}
}

func testCalls(t *testing.T, c *every.EchoClient, d *every.Client) {
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	text, err := c.Defaulted(t.Context(), 1, nil)
	if want := "1 b 1 2 - "; err != nil || text != want {
		t.Errorf("defaulted: %q, %v; want %q", text, err, want)
	}
	text, err = c.Defaulted(t.Context(), 1, []int32{1, 2}, every.B(""), every.C(0), every.D(0), every.E(0))
	if want := "1  0 0 0 1,2"; err != nil || text != want {
		t.Errorf("defaulted without defaults: %q, %v; want %q", text, err, want)
	}
	quotient, err := d.Divide(t.Context(), 200, every.Num2(100))
	if err != nil || quotient != 2 {
		t.Errorf("divide(200, 100): %v, %v; want 2", quotient, err)
	}
	_, err = d.Divide(t.Context(), 1, every.Num2(0))
	if invalid, ok := errors.AsType[*every.InvalidOperation](err); !ok || invalid.Message != "invalid operation" {
		t.Errorf("divide(1, 0): %v, want an InvalidOperation", err)
	}
}

func testExceptions(t *testing.T, c *every.EchoClient) {
	err := c.Buy(t.Context(), "tea")
	want := &every.OutOfStock{Message: "no tea", Left: 3, Instead: []string{"coffee"}}
	if stock, ok := errors.AsType[*every.OutOfStock](err); !ok || !reflect.DeepEqual(stock, want) {
		t.Errorf("buy tea: %v, want %+v", err, want)
	}
	err = c.Buy(t.Context(), "silence")
	if silent, ok := errors.AsType[*every.Silent](err); !ok || silent.Number != 5 {
		t.Errorf("buy silence: %v, want a Silent with the number 5", err)
	}
	for item, code := range map[string]rpc.Code{"denied": rpc.PermissionDenied, "bug": rpc.Internal} {
		err := c.Buy(t.Context(), item)
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != code || strings.Contains(e.Message, "secret") {
			t.Errorf("buy %s: %v, want the code %v without a word of the secret", item, err, code)
		}
	}
}

func testDetails(t *testing.T, c *every.EchoClient, carried bool) {
	err := c.Buy(t.Context(), "detailed")
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != rpc.Aborted || e.Message != "again" || !carried && len(e.Details) > 0 {
		t.Fatalf("buy detailed: %v", err)
	}
	if !carried {
		return
	}
	var radii []float64
	for circle := range rpc.DetailsOf[every.Circle](err) {
		radii = append(radii, circle.Radius)
	}
	if !slices.Equal(radii, []float64{1, 2.5}) {
		t.Errorf("circles of the radii %v", radii)
	}
	var stock every.OutOfStock
	want := every.OutOfStock{Message: "no tea", Left: 3, Instead: []string{"coffee"}}
	if !e.Detail(&stock) || !reflect.DeepEqual(stock, want) {
		t.Errorf("the stock is %+v", stock)
	}
	for item, n := range map[string]int{"detailed too much": 2, "badly detailed": 0} {
		err := c.Buy(t.Context(), item)
		e, ok := errors.AsType[*rpc.Error](err)
		if !ok || len(e.Details) != n || n == 0 && e.Code != rpc.Internal {
			t.Errorf("buy %s: %v with %v", item, err, e.Details)
		}
	}
}
