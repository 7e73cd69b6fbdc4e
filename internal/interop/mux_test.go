package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

var pythonServers = []string{"Server", "ThreadServer"}

func TestPythonMuxServer(t *testing.T) {
	t.Parallel()
	for _, class := range pythonServers {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			ch, err := yodel.Dial("mux://" + startPython(t, class))
			if err != nil {
				t.Fatal(err)
			}
			defer ch.Close()
			c := every.NewEchoClient(ch)
			testDeadline(t, c)
			testCancel(t, c)
			testMetadata(t, c)
			testManyCalls(t, c)
			testOutcomes(t, c)
		})
	}
}

// waited returns how the handler of an earlier call saw its wait end.
func waited(t *testing.T, c *every.EchoClient) string {
	t.Helper()
	return notFound(t, c.Buy(t.Context(), "waited"))
}

// notFound returns the message of an error with the code not_found, by which handlers tell what they saw.
func notFound(t *testing.T, err error) string {
	t.Helper()
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != rpc.NotFound {
		t.Fatalf("the handler answers %v, want not_found", err)
	}
	return e.Message
}

func testDeadline(t *testing.T, c *every.EchoClient) {
	end := "nothing"
	for end == "nothing" { // the deadline may pass before the handler begins
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := c.Buy(ctx, "wait"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call past its deadline gives %v", err)
		}
		cancel()
		end = waited(t, c)
	}
	if end != "deadline_exceeded" && end != "canceled" { // CANCEL may come first
		t.Errorf("the handler saw its deadline as %q", end)
	}
}

func testCancel(t *testing.T, c *every.EchoClient) {
	end := "nothing"
	for end == "nothing" { // the cancel may come before the handler begins
		ctx, cancel := context.WithCancel(t.Context())
		stop := time.AfterFunc(50*time.Millisecond, cancel).Stop
		if err := c.Buy(ctx, "wait"); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled call gives %v", err)
		}
		stop()
		cancel()
		end = waited(t, c)
	}
	if end != "canceled" {
		t.Errorf("the handler saw the cancel as %q", end)
	}
}

func testMetadata(t *testing.T, c *every.EchoClient) {
	ctx := rpc.WithMetadata(t.Context(), "trace", "a€", "trace", "", "other", "b", "trace", "c")
	if got := notFound(t, c.Buy(ctx, "trace")); got != "a€,,c" {
		t.Errorf("the handler saw the metadata %q", got)
	}
}

// testManyCalls sends large blobs, which travel in pieces, and small calls at once.
func testManyCalls(t *testing.T, c *every.EchoClient) {
	blob := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var callers sync.WaitGroup
	for n := range int32(20) {
		callers.Go(func() {
			if n < 3 {
				if got, err := c.Blobs(t.Context(), blob); err != nil || !bytes.Equal(got, blob) {
					t.Errorf("a blob of 1 MiB gives %d bytes, %v", len(got), err)
				}
				return
			}
			for i := range int32(50) {
				if got, err := c.Ints(t.Context(), n*i); err != nil || got != n*i {
					t.Errorf("ints(%d) = %d, %v", n*i, got, err)
				}
			}
		})
	}
	callers.Wait()
}

func testOutcomes(t *testing.T, c *every.EchoClient) {
	err := c.Buy(t.Context(), "denied")
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeAnswered {
		t.Errorf("a denied call gives %v", err)
	}
	_, err = c.Blobs(t.Context(), make([]byte, 4<<20))
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != rpc.ResourceExhausted || e.Outcome != rpc.OutcomeNotStarted {
		t.Errorf("4 MiB and a little more gives %v", err)
	}
}

// A call that runs when a server in Python shuts down is answered, and the connection takes no other one.
func TestPythonMuxShutdown(t *testing.T) {
	t.Parallel()
	for _, class := range pythonServers {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			addr, said, shutdown := startPythonServer(t, class)
			conn, err := mux.Dial(t.Context(), rpc.ConnOptions{
				Dial: func(ctx context.Context) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", addr)
				},
				Address: addr,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			c := every.NewEchoClient(conn)
			lingered := make(chan error, 1)
			go func() { lingered <- c.Buy(t.Context(), "linger") }()
			if line, err := said.ReadString('\n'); line != "lingering\n" {
				t.Fatalf("the server said %q, %v", line, err)
			}
			shutdown()
			<-conn.Done()
			if err := <-lingered; err != nil {
				t.Errorf("the call that ran gives %v", err)
			}
			err = c.Ping(t.Context())
			if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeNotStarted {
				t.Errorf("a later call gives %v", err)
			}
		})
	}
}

// A call by Python that runs when a server in Go shuts down is answered, and a later one is not started.
func TestPythonMuxClientMeetsShutdown(t *testing.T) {
	t.Parallel()
	handlers := newEcho()
	server, addr := serve(t, handlers)
	cmd := python(t, "leaver.py", addr)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-handlers.lingers
	down := make(chan error, 1)
	go func() { down <- server.Shutdown(t.Context()) }()
	said := bufio.NewReader(stdout)
	if line, err := said.ReadString('\n'); line != "leaving\n" {
		t.Errorf("the client said %q, %v", line, err)
	}
	close(handlers.released)
	if rest, err := io.ReadAll(said); string(rest) != "not started\n" {
		t.Errorf("then the client said %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown gives %v", err)
	}
}
