package yodel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

const (
	basicRequest  = "\x00\x00\x00\x06divide\x00\x00\x00\x0a\x01\x00\x00\x00\xc8\x02\x00\x00\x00\x64"
	basicResponse = "\x01\x40\x00\x00\x00"
	post          = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: "
	jsonRequest   = `{"name": "divide", "params": {"num1": 200, "num2": 100}}`
)

// Requests as old programs send them, byte for byte, and something of what has to come back.
var spoken = []struct {
	name, request, response string
}{
	{"basic", basicRequest, basicResponse},
	{"basic, default", "\x00\x00\x00\x06divide\x00\x00\x00\x05\x01\x00\x00\x00\x64", "\x01\x42\xc8\x00\x00"},
	{"line", jsonRequest + "\r\n", `{"result": 2}` + "\r\n"},
	{"line after white space", "\n \t" + jsonRequest + "\n", `{"result": 2}` + "\r\n"},
	{"http, JSON", post + "application/json\r\nContent-Length: 56\r\n\r\n" + jsonRequest, `{"result": 2}`},
	{"http, basic", post + "binary\r\nContent-Length: 24\r\n\r\n" + basicRequest, basicResponse},
	{"http, page", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "float Divide.divide(1:int num1, 2:int num2=1)"},
	{"http, HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", // and SETTINGS
		"\x00\x00\x00\x04\x01\x00\x00\x00\x00"},
}

func TestOnePortSpeaksEveryProtocol(t *testing.T) {
	t.Parallel()
	for _, network := range nettest.All {
		ln := network.Listen(t)
		serve(t, yodel.ServerOptions{}, ln)
		for _, test := range spoken {
			t.Run(network.Name+", "+test.name, func(t *testing.T) {
				send(t, connect(t, ln), test.request, test.response)
			})
			t.Run(network.Name+", "+test.name+", byte by byte", func(t *testing.T) {
				nc := connect(t, ln)
				last := len(test.request) - 1
				nc.SetDeadline(time.Now().Add(10 * time.Second))
				for i := range last {
					if _, err := io.WriteString(nc, test.request[i:i+1]); err != nil {
						t.Fatal(err)
					}
				}
				send(t, nc, test.request[last:], test.response)
			})
		}
	}
}

func TestClientsOfEveryScheme(t *testing.T) {
	t.Parallel()
	for _, network := range nettest.All {
		ln := network.Listen(t)
		serve(t, yodel.ServerOptions{}, ln)
		for _, scheme := range schemes {
			t.Run(network.Name+", "+scheme, func(t *testing.T) {
				switch network.Name {
				case "tcp":
					testClient(t, dial(t, yodel.DialOptions{}, scheme+"://"+ln.Addr().String()))
				case "unix":
					testClient(t, dial(t, yodel.DialOptions{}, scheme+"+unix://"+ln.Addr().String()))
				default:
					testClient(t, dial(t, yodel.DialOptions{Dialer: through(ln)}, scheme+"://test:1"))
				}
			})
		}
	}
}

func testClient(t *testing.T, c *divide.Client) {
	wantQuotient(t, c)
	_, err := c.Divide(t.Context(), 1, divide.Num2(0))
	if _, ok := errors.AsType[*divide.InvalidOperation](err); !ok {
		t.Errorf("divide(1, 0): err = %v; want InvalidOperation", err)
	}
	_, err = c.Divide(t.Context(), panics)
	wantCode(t, err, rpc.Internal, rpc.OutcomeAnswered)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err = c.Divide(ctx, waits); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call over its deadline: err = %v; want context.DeadlineExceeded", err)
	}
}

func TestStrangersAreClosed(t *testing.T) {
	t.Parallel()
	var log logged
	address := serveTCP(t, yodel.ServerOptions{Logger: log.logger()})
	for _, test := range []struct{ name, bytes, reason string }{
		{"binary", "\x01\x02\x03", "no protocol begins with the bytes 010203"},
		{"another text protocol", "EHLO example.org\r\n", "no protocol begins with the bytes 45484c4f"},
		{"lower case", "get / HTTP/1.1\r\n\r\n", "no protocol begins with the bytes 676574"},
		{"half a method", "POS", "it ended after the bytes 504f53"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tcp, err := net.Dial("tcp", address)
			nc := must(t, tcp, err)
			io.WriteString(nc, test.bytes)
			nc.(*net.TCPConn).CloseWrite()
			if got, _ := io.ReadAll(nc); len(got) > 0 {
				t.Errorf("answered %q", got)
			}
			if !strings.Contains(log.String(), test.reason) {
				t.Errorf("the log says\n%s\nwant %q", log.String(), test.reason)
			}
		})
	}
}

func TestPeersThatStopInTheMiddleAreClosed(t *testing.T) {
	for _, test := range []struct {
		name, bytes string
		within      time.Duration
	}{
		{"silent", "", 10 * time.Second},
		{"half a method", "PO", 10 * time.Second},
		{"half a preface", "PRI * HTTP/2.0\r\n", 10 * time.Second},
		{"half a preface, after what looks like a request", "PRI * HTTP/2.0\r\n\r\nSM", 10 * time.Second},
		{"half a request line", "GET /", 10 * time.Second},
		{"half a header", "POST / HTTP/1.1\r\nHost: x\r\n", 10 * time.Second},
		{"an HTTP/2 preface, and no request", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
			10 * time.Second},
		{"half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 30 * time.Second},
		{"half a magic", "\xd7YD", 10 * time.Second},
		{"nothing after a magic", "\xd7YDL", 10 * time.Second},
		{"half a basic message", basicRequest[:7], 10 * time.Second},
		{"half a line", jsonRequest[:7], 10 * time.Second},
		{"a blank line", "\r\n", 10 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := nettest.ListenMemory()
				srv := serve(t, yodel.ServerOptions{}, ln)
				nc, _ := ln.Dial(t.Context())
				began := time.Now()
				go io.WriteString(nc, test.bytes)
				io.Copy(io.Discard, nc)
				if took := time.Since(began); took > test.within || took < test.within/2 {
					t.Errorf("closed after %v; want %v", took, test.within)
				}
				nc.Close()
				srv.Close()
			})
		})
	}
}

// The time for the first request of HTTP counts from when the connection was accepted, however its bytes come.
func TestTrickleIsClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := nettest.ListenMemory()
		srv := serve(t, yodel.ServerOptions{}, ln)
		nc, _ := ln.Dial(t.Context())
		began := time.Now()
		go io.Copy(io.Discard, nc)
		for i := range len(post) {
			time.Sleep(time.Second)
			if _, err := io.WriteString(nc, post[i:i+1]); err != nil {
				break
			}
		}
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("closed after %v; want 10s", took)
		}
		nc.Close()
		srv.Close()
	})
}

func TestConnectionsOverTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	var log logged
	const limit = 20
	address := serveTCP(t, yodel.ServerOptions{Limits: rpc.ServerLimits{Conns: limit}, Logger: log.logger()})
	var served []net.Conn
	for i := range 300 {
		tcp, err := net.Dial("tcp", address)
		nc := must(t, tcp, err)
		if i < limit {
			send(t, nc, basicRequest, basicResponse)
			served = append(served, nc)
			continue
		}
		nc.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := nc.Read(make([]byte, 1)); n > 0 || errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("connection %d: read %d bytes, %v; want it closed", i, n, err)
		}
	}
	for _, nc := range served {
		send(t, nc, basicRequest, basicResponse)
	}
	if !strings.Contains(log.String(), "limit=20") {
		t.Errorf("the log says nothing of the limit:\n%s", log.String())
	}
	served[0].(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, served[0])
	dialUntilServed(t, address)
}

// dialUntilServed connects until the server has noticed that there is room.
func dialUntilServed(t *testing.T, address string) {
	t.Helper()
	often := yodel.Backoff{Base: time.Millisecond}
	client := dial(t, yodel.DialOptions{Timeout: 10 * time.Second, Backoff: often}, address)
	for t.Context().Err() == nil {
		_, err := client.Divide(t.Context(), 1)
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unavailable {
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}

// flaky is a listener that fails a number of times before it accepts.
type flaky struct {
	net.Listener
	failures atomic.Int32
	err      error
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: f.err}
	}
	return f.Listener.Accept()
}

func TestAcceptLivesOnWithoutFileDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := nettest.ListenMemory()
		ln := &flaky{Listener: memory, err: syscall.EMFILE}
		ln.failures.Store(20)
		srv := serve(t, yodel.ServerOptions{}, ln)
		began := time.Now()
		nc, err := memory.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 20*time.Second {
			t.Errorf("20 failures took %v; want pauses of up to a second", took)
		}
		send(t, nc, basicRequest, basicResponse)
		nc.Close()
		srv.Close()
	})
}

func TestServeReturnsWhatTheListenerCannotRecoverFrom(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken for good")
	ln := &flaky{Listener: nettest.ListenMemory(), err: broken}
	ln.failures.Store(1)
	srv := yodel.NewServer(divide.NewService(handler{}))
	if err := srv.Serve(t.Context(), ln); !errors.Is(err, broken) {
		t.Errorf("Serve = %v; want %v", err, broken)
	}
	srv.Close()
}

func TestPanicsConcernOneCall(t *testing.T) {
	t.Parallel()
	var log logged
	interceptor := func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			if rpc.Info(ctx).Protocol == "line" {
				panic("an interceptor panics")
			}
			return next(ctx, c)
		}
	}
	options := yodel.ServerOptions{Interceptors: []rpc.Interceptor{interceptor}, Logger: log.logger()}
	address := serveTCP(t, options)
	neighbour := dial(t, yodel.DialOptions{}, address)
	wantQuotient(t, neighbour)
	tests := []struct{ scheme, logged string }{
		{"basic", "a test panics"}, {"http", "a test panics"}, {"line", "an interceptor panics"},
	}
	for _, test := range tests {
		client := dial(t, yodel.DialOptions{}, test.scheme+"://"+address)
		for range 2 {
			_, err := client.Divide(t.Context(), panics)
			wantCode(t, err, rpc.Internal, rpc.OutcomeAnswered)
		}
		wantQuotient(t, neighbour)
		if !strings.Contains(log.String(), test.logged) {
			t.Errorf("%s: the log lacks the panic:\n%s", test.scheme, log.String())
		}
	}
}

// A nil pointer in an error is a handler's mistake that is easily made.
func TestNilExceptionConcernsOneCall(t *testing.T) {
	t.Parallel()
	var log logged
	address := serveTCP(t, yodel.ServerOptions{Logger: log.logger()})
	for _, scheme := range schemes {
		client := dial(t, yodel.DialOptions{}, scheme+"://"+address)
		_, err := client.Divide(t.Context(), nils)
		wantCode(t, err, rpc.Internal, rpc.OutcomeAnswered)
		wantQuotient(t, client)
	}
	if strings.Contains(log.String(), "serving the connection") {
		t.Errorf("the connection's own code panicked:\n%s", log.String())
	}
}

func TestSerialServesOneConnectionAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := nettest.ListenMemory()
		srv := serve(t, yodel.ServerOptions{Mode: yodel.Serial}, ln)
		first, _ := ln.Dial(t.Context())
		send(t, first, basicRequest, basicResponse)
		second := make(chan net.Conn)
		go func() {
			nc, _ := ln.Dial(t.Context())
			second <- nc
		}()
		synctest.Wait()
		select {
		case <-second:
			t.Fatal("the second connection was accepted while the first one lived")
		default:
		}
		send(t, first, basicRequest, basicResponse)
		first.Close()
		nc := <-second
		send(t, nc, basicRequest, basicResponse)
		nc.Close()
		srv.Close()
	})
}

func TestServerErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	service := divide.NewService(handler{})
	const inUse = "is in use; stop the other program or pass another address"
	for _, test := range []struct {
		name, address, want string
		server              *yodel.Server
	}{
		{"in use", taken.Addr().String(), inUse, yodel.NewServer(service)},
		{"no port", "localhost", "it is not HOST:PORT", yodel.NewServer(service)},
		{"a scheme", "mux://localhost:80", "a server speaks every protocol, whatever the scheme",
			yodel.NewServer(service)},
		{"a path", "localhost:80/", "write only HOST:PORT", yodel.NewServer(service)},
		{"no such port", "localhost:99999", "there is no port 99999", yodel.NewServer(service)},
		{"relative path", "unix://s", "absolute path", yodel.NewServer(service)},
		{"two of a name", "127.0.0.1:0", "would both answer to", yodel.NewServer(service, service)},
		{"mode", "127.0.0.1:0", "Processes(n) with n of at least 1",
			yodel.ServerOptions{Mode: yodel.Processes(0)}.NewServer(service)},
		{"a negative limit", "127.0.0.1:0", "Limits.Calls is -1, and cannot be negative; leave it 0 for its default",
			yodel.ServerOptions{Limits: rpc.ServerLimits{Limits: rpc.Limits{Calls: -1}}}.NewServer(service)},
		{"a negative time", "127.0.0.1:0", "ServerOptions.DrainTimeout is -1ns, and cannot be negative",
			yodel.ServerOptions{DrainTimeout: -1}.NewServer(service)},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.server.ListenAndServe(t.Context(), test.address)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("err = %v; want it to say %q", err, test.want)
			}
		})
	}
	workers := yodel.ServerOptions{Mode: yodel.Processes(2)}.NewServer(service)
	err = workers.Serve(t.Context(), nettest.ListenMemory())
	if err == nil || !strings.Contains(err.Error(), "ListenAndServe") {
		t.Errorf("Serve with Processes = %v", err)
	}
}
