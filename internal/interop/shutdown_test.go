package interop_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/rpc"
)

// dialers dial the protocols on which a server refuses what it will not run.
var dialers = map[string]func(context.Context, rpc.ConnOptions) (rpc.Conn, error){
	"basic": func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) { return basic.Dial(ctx, o) },
	"line":  func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) { return line.Dial(ctx, o) },
}

// Calls from Go that a server in Python does not run when it shuts down know that.
func TestPythonShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	for name, dial := range dialers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				testPythonShutdown(t, dial)
			}
		})
	}
}

func testPythonShutdown(t *testing.T, dial func(context.Context, rpc.ConnOptions) (rpc.Conn, error)) {
	addr, _, shutdown := startPythonServer(t, "ThreadServer")
	var callers sync.WaitGroup
	var answered atomic.Int32
	for range 2 {
		conn, err := dial(t.Context(), rpc.ConnOptions{
			Dial: func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", addr)
			},
			Address: addr,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for range 8 {
			callers.Go(func() {
				for {
					_, err := every.NewEchoClient(conn).Ints(t.Context(), 1)
					if err == nil {
						if answered.Add(1) == 200 {
							shutdown()
						}
						continue
					}
					e, ok := errors.AsType[*rpc.Error](err)
					if !ok || e.Code != rpc.Unavailable || e.Outcome != rpc.OutcomeNotStarted {
						t.Errorf("a call failed with %v", err)
					}
					return
				}
			})
		}
	}
	callers.Wait()
}

// Calls from Python that a server in Go does not run when it shuts down know that.
func TestPythonClientMeetsShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	for name := range dialers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				testGoShutdown(t, name)
			}
		})
	}
}

func testGoShutdown(t *testing.T, protocol string) {
	server, addr := serve(t, newEcho())
	cmd := python(t, "restart.py", protocol+"://"+addr)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stdout)
	if line, err := said.ReadString('\n'); line != "calling\n" {
		t.Errorf("the client said %q, %v", line, err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown gives %v", err)
	}
	if rest, err := io.ReadAll(said); string(rest) != "unavailable, not started\n" {
		t.Errorf("then the client said %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
