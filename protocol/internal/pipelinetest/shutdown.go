package pipelinetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// testShutdownLoad shuts servers down under callers who go on until their connection ends. Calls that ran were
// answered; the others know that they did not run. None is in doubt.
func testShutdownLoad(t *testing.T, p Protocol, n nettest.Network) {
	for round := range 5 {
		b := NewBench(t, p, n, rpc.ServerLimits{})
		var callers sync.WaitGroup
		var answered atomic.Int32
		begun := make(chan struct{}, 100)
		for conn := range 2 {
			c := b.Dial()
			for caller := range 16 {
				callers.Go(func() {
					for i := 0; ; i++ {
						_, err := echo(c).Strings(t.Context(), fmt.Sprint(round, conn, caller, i))
						if err != nil {
							if code(err) != rpc.Unavailable || outcome(err) != rpc.OutcomeNotStarted {
								t.Errorf("a call failed with %v", err)
							}
							return
						}
						answered.Add(1)
						select {
						case begun <- struct{}{}:
						default:
						}
					}
				})
			}
		}
		for range 10 * (round + 1) {
			<-begun
		}
		if err := b.Server.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown returned %v", err)
		}
		callers.Wait()
		if ran := len(b.Echo.Seen()); ran != int(answered.Load()) {
			t.Errorf("%d calls ran, %d were answered", ran, answered.Load())
		}
	}
}

// testShutdownDeaf shuts a server down while it writes answers that nobody reads, and others wait behind these.
func testShutdownDeaf(t *testing.T, p Protocol, n nettest.Network) {
	for _, conn := range []func(nc net.Conn) net.Conn{
		func(nc net.Conn) net.Conn { return nc },
		func(nc net.Conn) net.Conn { return struct{ net.Conn }{nc} }, // whose writes are not taken up again
	} {
		b := NewBench(t, p, n, rpc.ServerLimits{})
		near, far := b.Pair()
		go b.Server.ServeConn(conn(far), nil, new(rpc.Peer))
		request, _ := p.Request("large 1000000")
		_, _ = near.Write(bytes.Repeat(request, 40))
		for len(b.Echo.Seen()) == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		start := time.Now()
		if err := b.Server.Shutdown(t.Context()); err != nil || time.Since(start) > 1300*time.Millisecond {
			t.Errorf("Shutdown returned %v after %v", err, time.Since(start))
		}
		near.Close()
	}
}

// testShutdownSlow shuts a server down while it writes an answer that is read slowly: it is read whole.
func testShutdownSlow(t *testing.T, p Protocol, n nettest.Network) {
	for _, conn := range []func(nc net.Conn) net.Conn{
		func(nc net.Conn) net.Conn { return nc },
		func(nc net.Conn) net.Conn { return struct{ net.Conn }{nc} },
	} {
		b := NewBench(t, p, n, rpc.ServerLimits{})
		near, far := b.Pair()
		go b.Server.ServeConn(conn(far), nil, new(rpc.Peer))
		request, _ := p.Request("large 1000000")
		_, _ = near.Write(request)
		for len(b.Echo.Seen()) == 0 {
			time.Sleep(time.Millisecond)
		}
		down := make(chan error)
		go func() { down <- b.Server.Shutdown(t.Context()) }()
		read := 0
		for buf := make([]byte, 20<<10); ; {
			time.Sleep(700 * time.Millisecond)
			k, err := io.ReadFull(near, buf)
			if read += k; err != nil {
				break
			}
		}
		if read < 1_000_000 {
			t.Errorf("%d bytes of the answer were read", read)
		}
		if err := <-down; err != nil {
			t.Errorf("Shutdown returned %v", err)
		}
		near.Close()
	}
}

// testDisconnectBehind ends a connection on which requests wait behind one that runs.
func testDisconnectBehind(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	running, _ := p.Request("until done")
	waiting, _ := p.Request(strings.Repeat("x", 1000))
	for _, behind := range []int{1, 100, 1000} { // to a megabyte
		nc := b.Raw()
		_, _ = nc.Write(running)
		<-b.Echo.Blocked
		if _, err := nc.Write(bytes.Repeat(waiting, behind)); err != nil {
			t.Fatal(err)
		}
		nc.Close()
		<-b.Echo.Ended // else the test does not end
	}
}

// testAhead makes more calls at once than the client sends without an answer: all of them are answered.
func testAhead(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	c := b.Dial()
	block := make(chan error)
	go func() {
		_, err := echo(c).Strings(t.Context(), "block")
		block <- err
	}()
	<-b.Echo.Blocked
	var callers sync.WaitGroup
	for i := range 50 {
		callers.Go(func() {
			value := strings.Repeat("x", 100_000+i)
			if got, err := echo(c).Strings(t.Context(), value); err != nil || got != value {
				t.Errorf("%d bytes: got %d, %v", len(value), len(got), err)
			}
		})
	}
	b.Echo.Release <- struct{}{}
	if err := <-block; err != nil {
		t.Error(err)
	}
	callers.Wait()
}

// testSwallowed loses a connection without a word: callers whose deadlines pass give it up.
func testSwallowed(t *testing.T, p Protocol, n nettest.Network) {
	request, answer := p.Request("hi")
	c := NewFake(t, p, n, rpc.ServerLimits{}, func(nc net.Conn) {
		_, _ = io.ReadFull(nc, make([]byte, len(request)))
		_, _ = nc.Write(answer)
		_, _ = io.Copy(io.Discard, nc)
	}).Dial()
	if _, err := echo(c).Strings(t.Context(), "hi"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for c.Err() == nil {
		ctx := rpc.WithTimeout(t.Context(), time.Second)
		if _, err := echo(c).Strings(ctx, "hi"); outcome(err) != rpc.OutcomeUnknown && c.Err() == nil {
			t.Errorf("the call returned %v", err)
		}
	}
	if took := time.Since(start); took < 10*time.Second || took > 13*time.Second {
		t.Errorf("the connection was given up after %v", took)
	}
	<-c.Done()
}

// testBusy lets deadlines pass behind a handler that takes long. Whoever has time is answered.
func testBusy(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	c := b.Dial()
	patient := make(chan error)
	go func() {
		_, err := echo(c).Strings(t.Context(), "block")
		patient <- err
	}()
	<-b.Echo.Blocked
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			_, err := echo(c).Strings(rpc.WithTimeout(t.Context(), 9*time.Second), "hi")
			if _, ok := errors.AsType[*rpc.ContextError](err); !ok {
				t.Errorf("a call behind the slow one returned %v", err)
			}
		})
	}
	callers.Wait()
	b.Echo.Release <- struct{}{}
	if err := <-patient; err != nil {
		t.Errorf("the slow call returned %v", err)
	}
}
