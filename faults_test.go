package yodel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// faults are what code of the program's may do besides returning.
var faults = map[string]func(){
	"panic":          func() { panic("a panic") },
	"runtime.Goexit": runtime.Goexit,
}

// A faultyError is an error of which each method does something.
type faultyError struct{ text, is, as, unwrap func() }

func do(f func()) {
	if f != nil {
		f()
	}
}

func (e faultyError) Error() string { do(e.text); return "a text" }

func (e faultyError) Is(error) bool { do(e.is); return false }

func (e faultyError) As(any) bool { do(e.as); return false }

func (e faultyError) Unwrap() error { do(e.unwrap); return nil }

// faultyHandlers are what handlers may do that must cost nobody but their own callers.
var faultyHandlers = map[string]func(fault func()) error{
	"the handler":      func(fault func()) error { fault(); return nil },
	"Error":            func(fault func()) error { return faultyError{text: fault} },
	"Is":               func(fault func()) error { return faultyError{is: fault} },
	"As":               func(fault func()) error { return faultyError{as: fault} },
	"Unwrap":           func(fault func()) error { return fmt.Errorf("wrapped: %w", faultyError{unwrap: fault}) },
	"a nil *rpc.Error": func(func()) error { return (*rpc.Error)(nil) },
	"a nil exception":  func(func()) error { return (*divide.InvalidOperation)(nil) },
}

// faultyDivider does what is wrong where num2 is 0.
type faultyDivider struct{ fail func() error }

func (d faultyDivider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, d.fail()
	}
	return float32(num1) / float32(num2), nil
}

// A handler's fault is answered with internal over every protocol; the connection, its other callers and the server's
// end do not notice.
func TestHandlersThatFail(t *testing.T) {
	t.Parallel()
	for _, mode := range []yodel.Mode{yodel.Concurrent, yodel.Serial} {
		for _, protocol := range []string{"mux", "basic", "line", "http"} {
			for place, handler := range faultyHandlers {
				for name, fault := range faults {
					t.Run(fmt.Sprint(mode, " ", protocol, " ", place, " ", name), func(t *testing.T) {
						t.Parallel()
						fail := func() error { return handler(fault) }
						ln, err := net.Listen("tcp", "127.0.0.1:0")
						if err != nil {
							t.Fatal(err)
						}
						var log logged
						server := yodel.ServerOptions{Mode: mode,
							Logger: log.logger()}.NewServer(divide.NewService(faultyDivider{fail}))
						served := make(chan error, 1)
						go func() { served <- server.Serve(context.Background(), ln) }()
						var dials atomic.Int32
						dialer := func(ctx context.Context, network, address string) (net.Conn, error) {
							dials.Add(1)
							return new(net.Dialer).DialContext(ctx, network, address)
						}
						client := dial(t, yodel.DialOptions{Dialer: dialer}, protocol+"://"+ln.Addr().String())
						var neighbours sync.WaitGroup
						for range 2 {
							neighbours.Go(func() {
								for range 20 {
									wantQuotient(t, client)
								}
							})
						}
						for range 5 {
							_, err := client.Divide(t.Context(), 1, divide.Num2(0))
							wantCode(t, err, rpc.Internal, rpc.OutcomeAnswered)
						}
						neighbours.Wait()
						if n := dials.Load(); n != 1 {
							t.Errorf("there were %d connections", n)
						}
						if !strings.Contains(log.String(), "stack=") {
							t.Errorf("the log says only %q", log.String())
						}
						ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
						defer cancel()
						if err := server.Shutdown(ctx); err != nil {
							t.Errorf("Shutdown: %v", err)
						}
						if err := <-served; err != nil {
							t.Errorf("Serve: %v", err)
						}
					})
				}
			}
		}
	}
}

// What a program gives a channel costs the calls that need it, and they do not hang.
func TestChannelOptionsThatFail(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		options := map[string]yodel.DialOptions{
			"Dialer": {Dialer: func(context.Context, string, string) (net.Conn, error) { fault(); return nil, nil }},
			"Logger": {
				Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, nettest.ErrRefused },
				Logger: slog.New(faultyLogger{slog.DiscardHandler, fault}),
			},
			"Interceptor": {Interceptors: []rpc.Interceptor{func(rpc.CallFunc) rpc.CallFunc {
				return func(context.Context, *rpc.Call) error { fault(); return nil }
			}}},
		}
		for option, o := range options {
			client := dial(t, o, "127.0.0.1:1")
			for range 3 {
				var err error
				returned := rpc.Apart(func() { _, err = client.Divide(t.Context(), 1) })
				if goexit := name == "runtime.Goexit" && option == "Interceptor"; returned == goexit {
					// the caller's own goroutine
					t.Errorf("%s of %s: returned %v", name, option, returned)
				}
				if e, ok := errors.AsType[*rpc.Error](err); returned &&
					(!ok || e.Code != rpc.Internal && e.Code != rpc.Unavailable) {
					t.Errorf("%s of %s: the call ends with %v", name, option, err)
				}
			}
		}
	}
}

type faultyLogger struct {
	slog.Handler
	fault func()
}

func (faultyLogger) Enabled(context.Context, slog.Level) bool { return true }

func (l faultyLogger) Handle(context.Context, slog.Record) error { l.fault(); return nil }

// A server's root and its protocols write to one log, and so do the connections of a channel.
func TestOneLimitOfLogLines(t *testing.T) {
	t.Parallel()
	var log logged
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := yodel.ServerOptions{Logger: log.logger()}.NewServer(divide.NewService(faultyDivider{func() error {
		panic("a panic")
	}}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(t.Context(), ln) }()
	defer func() {
		server.Close()
		<-served
	}()
	address := ln.Addr().String()
	client := dial(t, yodel.DialOptions{}, address)
	began := time.Now()
	for range 50 {
		_, _ = client.Divide(t.Context(), 1, divide.Num2(0))
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = nc.Write([]byte("\xff\xff\xff\xff"))
		_, _ = nc.Read(make([]byte, 1)) // its end
		nc.Close()
	}
	took := time.Since(began)
	if n, most := strings.Count(log.String(), "level=ERROR")+
		strings.Count(log.String(), "level=WARN"), 10*(int(took.Seconds())+1); n > most {
		t.Errorf("%d lines in %v, want at most %d", n, took, most)
	}
}

// A logger that fails when the server begins to serve keeps it from nothing.
func TestLoggersThatFailAtTheStart(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		address := serveTCP(t, yodel.ServerOptions{Logger: slog.New(faultyLogger{slog.DiscardHandler, fault})})
		wantQuotient(t, dial(t, yodel.DialOptions{}, address))
	}
}
