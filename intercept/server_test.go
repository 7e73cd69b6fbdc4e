package intercept_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tokens of the tests, and whose they are.
const (
	billing = "token-of-billing"
	mailing = "token-of-mailing"
)

func tokens(tb testing.TB) func(context.Context, string) (*auth.Identity, error) {
	tb.Helper()
	check, err := auth.Tokens(map[string]auth.Identity{
		billing: {Name: "billing", Roles: []string{"divide"}},
		mailing: {Name: "mailing"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return check
}

func authenticate(tb testing.TB, o auth.Options, authenticators ...auth.Authenticator) rpc.Interceptor {
	tb.Helper()
	if authenticators == nil {
		authenticators = []auth.Authenticator{auth.Bearer(tokens(tb))}
	}
	i, err := o.Interceptor(authenticators...)
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// A calculator answers some methods, and counts the calls that reach it.
type calculator struct {
	everything.CalculatorHandler
	ran  *atomic.Int32
	seen func(context.Context) // nil for nothing
}

func (c calculator) begin(ctx context.Context) {
	c.ran.Add(1)
	if c.seen != nil {
		c.seen(ctx)
	}
}

func (c calculator) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	c.begin(ctx)
	if num1 == panics {
		panic("a test panics")
	}
	return float32(num1) / float32(num2), nil
}

func (c calculator) Sum(ctx context.Context, nums iter.Seq2[int32, error]) (sum int64, err error) {
	c.begin(ctx)
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		if n == panics {
			panic("a test panics in a stream")
		}
		sum += int64(n)
	}
	return sum, nil
}

const panics = 666

// A fixture is a server with a calculator, at a free port.
type fixture struct {
	*yodel.Server
	address string
	ran     atomic.Int32
}

func serve(t *testing.T, o yodel.ServerOptions, seen func(context.Context),
	with ...rpc.Interceptor) *fixture {
	t.Helper()
	f := new(fixture)
	f.Server = o.NewServer(everything.NewCalculatorService(calculator{ran: &f.ran, seen: seen}).With(with...))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = ln.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		f.Close()
		if err := <-ended; err != nil && !errors.Is(err, yodel.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return f
}

// client returns a client by a scheme, or without a network where that is "in-process".
func (f *fixture) client(t *testing.T, scheme string, interceptors ...rpc.Interceptor) *everything.CalculatorClient {
	t.Helper()
	ch := yodel.InProcessOptions{Interceptors: interceptors}.Channel(f.Server)
	if scheme != "in-process" {
		var err error
		if ch, err = (yodel.DialOptions{Interceptors: interceptors}).Dial(scheme + "://" + f.address); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { ch.Close() })
	return everything.NewCalculatorClient(ch)
}

// send returns an interceptor that sends a token, also without TLS.
func send(token string) rpc.Interceptor {
	t := auth.Static(token)
	t.AllowPlaintext = true
	i, err := t.Interceptor()
	if err != nil {
		panic(err)
	}
	return i
}

func wantCode(t *testing.T, what string, err error, want rpc.Code) {
	t.Helper()
	e, ok := errors.AsType[*rpc.Error](err)
	switch {
	case want == 0 && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != 0 && (!ok || e.Code != want):
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// lines is a logger for tests, and what it was told.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements [io.Writer].
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
