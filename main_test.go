package yodel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		program()
		return
	}
	goleak.VerifyTestMain(m)
}

// The handler of most tests panics at one number, waits for the end of its context at another, and returns an exception
// that is a nil pointer at a third.
const (
	panics = 666
	waits  = 777
	nils   = 888
)

type handler struct{}

// schemes are all that a target can name.
var schemes = []string{"mux", "basic", "line", "http"}

func (handler) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	switch {
	case num1 == panics:
		panic("a test panics")
	case num1 == waits:
		<-ctx.Done()
		return 0, ctx.Err()
	case num1 == nils:
		return 0, (*divide.InvalidOperation)(nil)
	case num2 == 0:
		return 0, divide.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// through returns the Dialer of channels whose every connection is one to l.
func through(l nettest.Listener) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }
}

// connect returns a connection to l, which ends with the test.
func connect(t *testing.T, l nettest.Listener) net.Conn {
	t.Helper()
	nc, err := l.Dial(t.Context())
	return must(t, nc, err)
}

func listenAt(t *testing.T, network, address string) (net.Listener, func(*testing.T) net.Conn) {
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return ln, func(t *testing.T) net.Conn {
		nc, err := net.Dial(network, ln.Addr().String())
		return must(t, nc, err)
	}
}

func must(t *testing.T, nc net.Conn, err error) net.Conn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

// serve serves ln until the end of the test.
func serve(t *testing.T, o yodel.ServerOptions, ln net.Listener) *yodel.Server {
	t.Helper()
	srv := o.NewServer(divide.NewService(handler{}))
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return srv
}

// serveTCP is serve at a free port, whose address it returns.
func serveTCP(t *testing.T, o yodel.ServerOptions) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, o, ln)
	return ln.Addr().String()
}

// dial returns a client over a channel that lives as long as the test.
func dial(t *testing.T, o yodel.DialOptions, target string) *divide.Client {
	t.Helper()
	ch, err := o.Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ch.Close() })
	return divide.NewClient(ch)
}

// wantQuotient calls divide(200, 100).
func wantQuotient(t *testing.T, c *divide.Client) {
	t.Helper()
	if got, err := c.Divide(t.Context(), 200, divide.Num2(100)); err != nil || got != 2 {
		t.Errorf("divide(200, 100) = %v, %v; want 2", got, err)
	}
}

func wantCode(t *testing.T, err error, code rpc.Code, o rpc.Outcome) {
	t.Helper()
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != code || e.Outcome != o {
		t.Errorf("err = %v; want %v (%v)", err, code, o)
	}
}

// send writes a request and returns what comes back until it contains want, the end, or the time is over.
func send(t *testing.T, nc net.Conn, request, want string) {
	t.Helper()
	nc.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(nc, request); err != nil {
		t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte(want)) {
		n, err := nc.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			t.Fatalf("sent %q, got %q and %v; want %q", request, got, err, want)
		}
	}
}

// logged is a logger for tests, and what it was told.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
