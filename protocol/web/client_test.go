package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/protocol/web"
	"github.com/yodelrpc/yodel/rpc"
)

// dial returns a connection to a server of the listener.
func dial(t *testing.T, o rpc.ConnOptions, to nettest.Listener) *web.Conn {
	t.Helper()
	o.Address, o.Dial = to.Addr().String(), to.Dial
	return dialWith(t, o)
}

// dial returns a connection to the site.
func (s *site) dial(t *testing.T, o rpc.ConnOptions) *web.Conn {
	t.Helper()
	return dial(t, o, s.listener)
}

func dialWith(t *testing.T, o rpc.ConnOptions) *web.Conn {
	t.Helper()
	c, err := web.Dial(t.Context(), o, line.Format())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func wantCode(t *testing.T, err error, code rpc.Code, o rpc.Outcome) {
	t.Helper()
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != code || e.Outcome != o {
		t.Errorf("err = %v; want %v (%v)", err, code, o)
	}
}

func TestClient(t *testing.T) { overAll(t, testClient) }

func testClient(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	c := divide.NewClient(s.dial(t, rpc.ConnOptions{}))
	ctx := t.Context()
	if got, err := c.Divide(ctx, 200, divide.Num2(100)); got != 2 || err != nil {
		t.Errorf("divide(200, 100) = %v, %v", got, err)
	}
	_, err := c.Divide(ctx, 1, divide.Num2(0))
	if invalid, ok := errors.AsType[*divide.InvalidOperation](err); !ok || invalid.Message != "invalid operation" {
		t.Errorf("divide(1, 0): %v", err)
	}
	for code := rpc.Canceled; code <= rpc.Unauthenticated; code++ {
		_, err := c.Divide(ctx, codes+int32(code))
		wantCode(t, err, code, rpc.OutcomeAnswered)
	}
	var answer rpc.Metadata
	ctx = rpc.WithAnswerMetadata(rpc.WithMetadata(ctx, "Divisor", "4"), &answer)
	got, err := c.Divide(ctx, metadata)
	if got != 222 || err != nil || answer.Get("seen-divisor") != "4" {
		t.Errorf("divide with metadata = %v, %v, metadata %v", got, err, answer)
	}
}

func TestManyCallersShareOneConnection(t *testing.T) { overAll(t, testManyCallersShareOneConnection) }

func testManyCallersShareOneConnection(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	c := divide.NewClient(s.dial(t, rpc.ConnOptions{}))
	var all sync.WaitGroup
	for i := range int32(50) {
		all.Go(func() {
			if got, err := c.Divide(t.Context(), i); got != float32(i) || err != nil {
				t.Errorf("divide(%d) = %v, %v", i, got, err)
			}
		})
	}
	all.Wait()
}

func TestDeadlineOfTheCall(t *testing.T) { overAll(t, testDeadlineOfTheCall) }

func testDeadlineOfTheCall(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	c := s.dial(t, rpc.ConnOptions{})
	_, err := divide.NewClient(c).Divide(rpc.WithTimeout(t.Context(), 20*time.Millisecond), waits)
	e, ok := errors.AsType[*rpc.ContextError](err)
	if !ok || e.Outcome != rpc.OutcomeUnknown || e.Err != context.DeadlineExceeded {
		t.Errorf("err = %v; want deadline exceeded, unknown whether it ran", err)
	}
	<-(<-s.waiting).Done()
	<-c.Done()
}

// answerWith serves one connection: it reads a request and does what the test says.
func answerWith(t *testing.T, n nettest.Network, serve func(nc net.Conn, request []byte)) nettest.Listener {
	t.Helper()
	ln := n.Listen(t)
	var done sync.WaitGroup
	done.Go(func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		buf := make([]byte, 4096)
		n, _ := nc.Read(buf)
		serve(nc, buf[:n])
	})
	t.Cleanup(func() { ln.Close(); done.Wait() })
	return ln
}

func TestClientAgainstOtherServers(t *testing.T) { overAll(t, testClientAgainstOtherServers) }

func testClientAgainstOtherServers(t *testing.T, n nettest.Network) {
	for _, test := range []struct {
		name, answer string
		code         rpc.Code
		outcome      rpc.Outcome
	}{
		{"a proxy", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", rpc.Unavailable, rpc.OutcomeUnknown},
		{"no answer", "", rpc.Unavailable, rpc.OutcomeUnknown},
		{"half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", rpc.Unavailable, rpc.OutcomeUnknown},
		{"not HTTP", "hello", rpc.Unavailable, rpc.OutcomeUnknown},
		{"other JSON", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", rpc.Internal, rpc.OutcomeAnswered},
		{"too long", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat(" ", 5000),
			rpc.ResourceExhausted, rpc.OutcomeAnswered},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
			rpc.Unknown, rpc.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			to := answerWith(t, n, func(nc net.Conn, _ []byte) { io.WriteString(nc, test.answer) })
			c := dial(t, rpc.ConnOptions{Limits: rpc.Limits{Message: 4000}}, to)
			_, err := divide.NewClient(c).Divide(t.Context(), 1)
			wantCode(t, err, test.code, test.outcome)
		})
	}
}

func TestCallOnAnEndedConnectionNeverStarts(t *testing.T) { overAll(t, testCallOnAnEndedConnection) }

func testCallOnAnEndedConnection(t *testing.T, n nettest.Network) {
	to := answerWith(t, n, func(nc net.Conn, _ []byte) {
		io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\": 1}")
	})
	c := dial(t, rpc.ConnOptions{}, to)
	client := divide.NewClient(c)
	if got, err := client.Divide(t.Context(), 1); got != 1 || err != nil {
		t.Fatalf("%v, %v", got, err)
	}
	<-c.Done() // the server closed it
	if c.Err() == nil {
		t.Error("Err = nil after Done")
	}
	_, err := client.Divide(t.Context(), 1)
	wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
}

func TestClientRefusesWhatIsTooLong(t *testing.T) { overAll(t, testClientRefusesWhatIsTooLong) }

func testClientRefusesWhatIsTooLong(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	c := s.dial(t, rpc.ConnOptions{Limits: rpc.Limits{Message: 10}})
	_, err := divide.NewClient(c).Divide(t.Context(), 1)
	wantCode(t, err, rpc.ResourceExhausted, rpc.OutcomeNotStarted)
}

func TestStreamsAreUnimplemented(t *testing.T) { overAll(t, testStreamsAreUnimplemented) }

func testStreamsAreUnimplemented(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	err := s.dial(t, rpc.ConnOptions{}).Call(t.Context(),
		rpc.NewStreamCall(&rpc.Method{Service: "a.B", Name: "c"}, nil))
	wantCode(t, err, rpc.Unimplemented, rpc.OutcomeNotStarted)
}
