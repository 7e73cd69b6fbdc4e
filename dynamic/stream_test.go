package dynamic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

// streamer answers the methods with streams.
type streamer struct{ everything.CalculatorHandler }

func (streamer) Ticks(ctx context.Context, n int32, _ time.Duration) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		if n < 0 {
			yield(1, nil)
			<-ctx.Done()
			return
		}
		for i := range n {
			if !yield(i+1, nil) {
				return
			}
		}
		if n > 2 {
			yield(0, &everything.InvalidOperation{Message: "too many", Details: []string{"a"}})
		}
	}
}

func (streamer) Sum(_ context.Context, nums iter.Seq2[int32, error]) (sum int64, err error) {
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += int64(n)
	}
	return sum, nil
}

func (streamer) Ratios(_ context.Context, base int32, scale float64, s *rpc.BidiStream[float32, int32]) error {
	for n, err := range s.All() {
		if err != nil {
			return err
		}
		if err := s.Send(context.Background(), float32(scale)*float32(n)/float32(base)); err != nil {
			return err
		}
	}
	return nil
}

func everythingPackage(t testing.TB) *dynamic.Package {
	t.Helper()
	files, diags := check.Files(func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join("..", name))
	}, "internal/everything/everything.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	p, err := dynamic.Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// stream calls a method with args in JSON, sends elements, and returns all that comes back.
func stream(t *testing.T, ch rpc.Channel, name, args string, elements ...string) (results []string, err error) {
	t.Helper()
	m, err := everythingPackage(t).Method(name)
	if err != nil {
		t.Fatal(err)
	}
	message := m.NewArgs()
	if err := message.UnmarshalJSON([]byte(args)); err != nil {
		t.Fatal(err)
	}
	return results, m.Stream(t.Context(), ch, message, func(ctx context.Context, s *dynamic.Stream) error {
		for _, e := range elements {
			if err := s.SendJSON(ctx, []byte(e)); err != nil {
				return err
			}
		}
		if err := s.CloseSend(); err != nil {
			return err
		}
		for {
			b, err := s.RecvJSON(ctx, nil)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			results = append(results, string(b))
		}
	})
}

func TestStreams(t *testing.T) {
	t.Parallel()
	address := serve(t, everything.NewCalculatorService(streamer{}))
	ch := dial(t, address)
	for _, test := range []struct {
		name, args string
		elements   []string
		want       string
	}{
		{"ticks", `{"n": 2}`, nil, `[1 2] <nil>`},
		{"ticks", `{"n": 0}`, nil, `[] <nil>`},
		{"ticks", `{"n": 3}`, nil, `[1 2 3] too many`},
		{"sum", `{}`, []string{"1", "2", "39"}, `["42"] <nil>`},
		{"sum", `{}`, nil, `["0"] <nil>`},
		{"ratios", `{"base": 2, "scale": 10}`, []string{"1", "2"}, `[5 10] <nil>`},
		{"ratios", `{}`, []string{"1"}, `[] everything.Calculator/ratios: invalid_argument: missing argument "base" ` +
			`(not started)`},
		{"sum", `{}`, []string{`"x"`}, `[] everything.Calculator/sum: invalid_argument: nums: "x" is not an int ` +
			`(unknown whether it ran)`},
		{"ticks", `{"n": 1}`, []string{"1"}, `[] everything.Calculator/ticks: failed_precondition: ticks takes no ` +
			`stream (unknown whether it ran)`},
		{"ping", `{}`, nil,
			`[] everything.Calculator/ping: unimplemented: ping has no stream; Call makes a call of it ` +
				`(not started)`},
	} {
		results, err := stream(t, ch, test.name, test.args, test.elements...)
		if got := fmt.Sprint(results, " ", err); got != test.want {
			t.Errorf("%s(%s) with %v: %s\nwant %s", test.name, test.args, test.elements, got, test.want)
		}
	}
	var exception *dynamic.Exception
	if _, err := stream(t, ch, "ticks", `{"n": 3}`); !errors.As(err, &exception) ||
		exception.Name() != "everything.InvalidOperation" {
		t.Errorf("a declared exception behind results: %v", err)
	}
	if results, err := stream(t, dial(t, "line://"+address), "ticks", `{"n": 2}`); len(results) != 2 || err != nil {
		t.Errorf("over line: %v, %v", results, err)
	}
	if _, err := stream(t, dial(t, "http://"+address), "ticks", `{"n": 2}`); err == nil ||
		!strings.Contains(err.Error(), "ticks is a stream, which the http protocol does not carry") {
		t.Errorf("over http: %v", err)
	}
}

// Values go both ways at once, and the body may leave whenever it likes.
func TestStreamOfValues(t *testing.T) {
	t.Parallel()
	ch := dial(t, serve(t, everything.NewCalculatorService(streamer{})))
	m, err := everythingPackage(t).Method("ratios")
	if err != nil {
		t.Fatal(err)
	}
	args := m.NewArgs()
	if err := args.SetAll(map[string]any{"base": 4}); err != nil {
		t.Fatal(err)
	}
	left := errors.New("left")
	for range 3 {
		err = m.Stream(t.Context(), ch, args, func(ctx context.Context, s *dynamic.Stream) error {
			for n := range 10 {
				if err := s.Send(ctx, n); err != nil {
					return err
				}
				if v, err := s.Recv(ctx); v != float32(n)/4 || err != nil {
					return fmt.Errorf("%d / 4 is %v, %v", n, v, err)
				}
			}
			return left
		})
		if err != left {
			t.Error(err)
		}
	}
}

// A constraint of elements is none of the arguments in front of them.
func TestStreamOfConstrainedElements(t *testing.T) {
	t.Parallel()
	m := load(t, "nums.yodel", "long sum(@min(1) 1:stream int nums)\n").Services()[0].Methods()[0]
	if err := m.Check(m.NewArgs()); err != nil {
		t.Error(err)
	}
}

// overEachStream runs a test over each way that carries streams of results.
func overEachStream(t *testing.T, test func(t *testing.T, ch *yodel.Channel)) {
	server := yodel.NewServer(everything.NewCalculatorService(streamer{}))
	t.Cleanup(func() { _ = server.Close() })
	address := serve(t, everything.NewCalculatorService(streamer{}))
	for name, ch := range map[string]*yodel.Channel{
		"mux": dial(t, address), "line": dial(t, "line://"+address), "in process": server.Channel(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { _ = ch.Close() })
			test(t, ch)
		})
	}
}

// The end of the call's context ends a Recv that has another one.
func TestStreamWhoseCallIsCanceled(t *testing.T) {
	t.Parallel()
	m, err := everythingPackage(t).Method("ticks")
	if err != nil {
		t.Fatal(err)
	}
	args := m.NewArgs()
	if err := args.SetAll(map[string]any{"n": -1}); err != nil { // it waits for the end of its context
		t.Fatal(err)
	}
	overEachStream(t, func(t *testing.T, ch *yodel.Channel) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := m.Stream(ctx, ch, args, func(_ context.Context, s *dynamic.Stream) error {
			if _, err := s.Recv(context.Background()); err != nil {
				return err
			}
			cancel()
			_, err := s.Recv(context.Background())
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the call ended with %v", err)
		}
	})
}

// A stream that was closed has not ended well.
func TestStreamIsClosed(t *testing.T) {
	t.Parallel()
	m, err := everythingPackage(t).Method("ticks")
	if err != nil {
		t.Fatal(err)
	}
	args := m.NewArgs()
	if err := args.SetAll(map[string]any{"n": 1}); err != nil {
		t.Fatal(err)
	}
	overEachStream(t, func(t *testing.T, ch *yodel.Channel) {
		closing := channelFunc(func(ctx context.Context, c *rpc.Call) error {
			c.Body = func(ctx context.Context, s rpc.Stream) error {
				if err := s.Send(ctx, args); err != nil {
					return err
				}
				if err := errors.Join(s.Close(), s.Close()); err != nil {
					return err
				}
				return s.Recv(ctx, m.NewArgs())
			}
			return ch.Call(ctx, c)
		})
		err := m.Stream(t.Context(), closing, args, nil)
		if err == nil || err == io.EOF || !strings.Contains(err.Error(), "the stream was closed") {
			t.Errorf("Recv returned %v", err)
		}
	})
}

// A channelFunc is a channel whose calls are calls of the function.
type channelFunc rpc.CallFunc

func (f channelFunc) Call(ctx context.Context, c *rpc.Call) error { return f(ctx, c) }

// A body may return the io.EOF of a Send or Recv: the call then ends as the stream has.
func TestStreamBodyReturnsTheEnd(t *testing.T) {
	t.Parallel()
	ch := dial(t, serve(t, everything.NewCalculatorService(streamer{})))
	for n, want := range map[int]string{2: "", 3: "too many"} {
		m, err := everythingPackage(t).Method("ticks")
		if err != nil {
			t.Fatal(err)
		}
		args := m.NewArgs()
		if err := args.Set("n", n); err != nil {
			t.Fatal(err)
		}
		err = m.Stream(t.Context(), ch, args, func(ctx context.Context, s *dynamic.Stream) error {
			for {
				if _, err := s.Recv(ctx); err != nil {
					return err
				}
			}
		})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("ticks(%d), whose body returns what Recv has said: %v, want %q", n, err, want)
		}
		err = m.Stream(t.Context(), ch, args, func(context.Context, *dynamic.Stream) error { return io.EOF })
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("ticks(%d), whose body returns at once: %v, want %q", n, err, want)
		}
	}
}
