package yodel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

func TestBadTargetsSayWhatIsRight(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ target, want string }{
		{"", "it is not HOST:PORT"},
		{"localhost", "it is not HOST:PORT"},
		{"localhost:", "it is not HOST:PORT"},
		{"localhost:99999", "there is no port 99999; ports are 1 to 65535"},
		{"127.0.0.1:0", "there is no port 0; ports are 1 to 65535"},
		{"mux://127.0.0.1:0", "there is no port 0; ports are 1 to 65535"},
		{":-1", "there is no port -1; ports are 1 to 65535"},
		{":no-such-service", "there is no port no-such-service; ports are 1 to 65535"},
		{"::1:8000", "it is not HOST:PORT"},
		{"http://localhost:80/calc", "write only HOST:PORT"},
		{"grpc://localhost:80", `unknown scheme "grpc"; use `},
		{"line+udp://localhost:80", `unknown network "udp"`},
		{"unix://calc.sock", "absolute path"},
		{"line+unix://", "absolute path"},
	} {
		ch, err := yodel.Dial(test.target)
		if err == nil {
			ch.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Dial(%q): err = %v; want it to say %q", test.target, err, test.want)
		}
	}
}

func TestTargetsName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ target, network, address string }{
		{"localhost:8000", "tcp", "localhost:8000"},
		{":8000", "tcp", ":8000"},
		{"basic://[::1]:8000", "tcp", "[::1]:8000"},
		{"http://calc.example.org:http", "tcp", "calc.example.org:http"},
		{"unix:///run/calc.sock", "unix", "/run/calc.sock"},
		{"line+unix:///run/calc.sock", "unix", "/run/calc.sock"},
	} {
		var network, address string
		client := dial(t, yodel.DialOptions{Dialer: func(_ context.Context, n, a string) (net.Conn, error) {
			network, address = n, a
			return nil, nettest.ErrRefused
		}}, test.target)
		_, err := client.Divide(t.Context(), 1)
		wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if network != test.network || address != test.address {
			t.Errorf("%q dials %s %s; want %s %s", test.target, network, address, test.network, test.address)
		}
	}
}

func TestBadDialOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []yodel.DialOptions{
		{Conns: -1}, {Timeout: -1}, {DialTimeout: -1}, {Backoff: yodel.Backoff{Base: -1}},
		{Limits: rpc.Limits{Calls: -1}},
	} {
		if ch, err := o.Dial("localhost:1"); err == nil {
			ch.Close()
			t.Errorf("%+v is accepted", o)
		}
	}
}

// A server that knows nothing of Yodel gets the bytes of the page, the bare name among them.
func TestTextbookServerIsReached(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		request := make([]byte, len(basicRequest))
		for {
			if _, err := io.ReadFull(nc, request); err != nil || string(request) != basicRequest {
				return
			}
			io.WriteString(nc, basicResponse)
		}
	}()
	client := dial(t, yodel.DialOptions{}, "basic://"+ln.Addr().String())
	wantQuotient(t, client)
	wantQuotient(t, client)
}

// A channel that dials mux by default tells what to do when the server speaks something else.
func TestServersOfOtherProtocols(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, answer string
		want         string
	}{
		{"HTTP", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "it begins with 48 54 54 50"},
		{"hangs up", "", "EOF"},
		{"newer", mux.Magic + "\x63\x00\x00\x00", "version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				nc.Read(make([]byte, 1000))
				io.WriteString(nc, test.answer)
			}()
			address := ln.Addr().String()
			_, err = dial(t, yodel.DialOptions{}, address).Divide(t.Context(), 1)
			wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
			hint := strings.ReplaceAll("dial basic://ADDR, line://ADDR or http://ADDR", "ADDR", address)
			for _, want := range []string{address + " does not answer as a mux server", test.want, hint} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v; want it to say %q", err, want)
				}
			}
		})
	}
}

// A server that never answers mux costs a call no longer than DialTimeout, and the error says what to try.
func TestServerThatWaitsForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := nettest.ListenMemory()
		ch, _ := yodel.DialOptions{Dialer: through(ln), DialTimeout: time.Second}.Dial("unix:///run/calc.sock")
		go func() {
			nc, _ := ln.Accept()
			io.Copy(io.Discard, nc)
		}()
		began := time.Now()
		_, err := divide.NewClient(ch).Divide(t.Context(), 1)
		wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if took := time.Since(began); took != time.Second ||
			!strings.Contains(err.Error(), "basic+unix:///run/calc.sock") {
			t.Errorf("after %v: %v", took, err)
		}
		ch.Close()
	})
}

// switchboard dials whatever listener is plugged in.
type switchboard struct {
	listener atomic.Pointer[nettest.MemoryListener]
	dials    atomic.Int32
}

func (s *switchboard) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.dials.Add(1)
	return s.listener.Load().Dial(ctx)
}

// plug starts a server.
func (s *switchboard) plug(t *testing.T) *yodel.Server {
	t.Helper()
	ln := nettest.ListenMemory()
	s.listener.Store(ln)
	return serve(t, yodel.ServerOptions{}, ln)
}

func TestChannelComesBackAfterTheServer(t *testing.T) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var board switchboard
				srv := board.plug(t)
				ch, _ := yodel.DialOptions{Dialer: board.dial, WaitForReady: true}.Dial(scheme + "://memory:1")
				client := divide.NewClient(ch)
				wantQuotient(t, client)
				if err := srv.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // until the channel knows
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				_, err := client.Divide(ctx, 1)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, nettest.ErrRefused) {
					t.Errorf("with the server down: err = %v; want DeadlineExceeded and the cause", err)
				}
				if n := board.dials.Load(); n < 10 || n > 100 {
					t.Errorf("%d attempts in a minute; want backoff up to 10 s", n)
				}
				srv = board.plug(t)
				wantQuotient(t, client)
				ch.Close()
				srv.Close()
			})
		})
	}
}

// Calls go on while servers come and go, each draining: none is lost, since an idle connection's end is no call's.
func TestRollingRestartsLoseNothing(t *testing.T) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var board switchboard
				srv := board.plug(t)
				ch, _ := yodel.DialOptions{Dialer: board.dial}.Dial(scheme + "://memory:1")
				client := divide.NewClient(ch)
				for range 30 {
					wantQuotient(t, client)
					old := srv
					srv = board.plug(t)
					if err := old.Shutdown(t.Context()); err != nil {
						t.Error(err)
					}
					synctest.Wait()
				}
				ch.Close()
				srv.Close()
			})
		})
	}
}

func TestCloseEndsCalls(t *testing.T) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := nettest.ListenMemory()
				srv := serve(t, yodel.ServerOptions{}, ln)
				ch, _ := yodel.DialOptions{Dialer: through(ln)}.Dial(scheme + "://memory:1")
				failed := make(chan error)
				go func() {
					_, err := divide.NewClient(ch).Divide(t.Context(), waits)
					failed <- err
				}()
				synctest.Wait()
				ch.Close()
				wantCode(t, <-failed, rpc.Unavailable, rpc.OutcomeUnknown)
				srv.Close()
			})
		})
	}
}

func TestClientInterceptorsWrapCalls(t *testing.T) {
	t.Parallel()
	var order []string
	note := func(name string) rpc.Interceptor {
		return func(next rpc.CallFunc) rpc.CallFunc {
			return func(ctx context.Context, c *rpc.Call) error {
				order = append(order, name+" before")
				err := next(ctx, c)
				order = append(order, name+" after")
				return err
			}
		}
	}
	address := serveTCP(t, yodel.ServerOptions{})
	wantQuotient(t, dial(t, yodel.DialOptions{Interceptors: []rpc.Interceptor{note("a"), note("b")}}, address))
	if got := strings.Join(order, ", "); got != "a before, b before, b after, a after" {
		t.Errorf("order: %s", got)
	}
}
