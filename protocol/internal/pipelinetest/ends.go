package pipelinetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// testWithdrawn gives up a call while the server takes nothing: the server never sees it.
func testWithdrawn(t *testing.T, p Protocol, n nettest.Network) {
	limits := rpc.ServerLimits{Limits: rpc.Limits{Message: 64 << 20}}
	real := NewBench(t, p, n, limits)
	gate := make(chan struct{})
	c := NewFake(t, p, n, limits, func(nc net.Conn) {
		<-gate
		real.Server.ServeConn(nc, nil, nettest.Peer(nc))
	}).Dial()
	var wg sync.WaitGroup
	var once sync.Once
	open := func() { once.Do(func() { close(gate) }) }
	defer open()
	call := func(value string) {
		wg.Go(func() {
			if got, err := echo(c).Strings(t.Context(), value); got != value || err != nil {
				t.Errorf("a string of %d bytes came back with %d, %v", len(value), len(got), err)
			}
		})
	}
	call(strings.Repeat("x", n.Buffers))
	for i := 0; ; i++ {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := echo(c).Strings(ctx, "withdrawn")
		cancel()
		if outcome(err) == rpc.OutcomeNotStarted {
			break
		}
		if i == 50 {
			t.Fatalf("a call behind one that cannot be written: %v", err)
		}
	}
	call("before")
	for range 10 {
		_, err := echo(c).Strings(rpc.WithTimeout(context.Background(), 5*time.Millisecond), "swept")
		if outcome(err) != rpc.OutcomeNotStarted {
			t.Errorf("a call that cannot be written: %v", err)
		}
		call("between")
	}
	open()
	wg.Wait()
	mustAnswer(t, c)
	for _, value := range real.Echo.Seen() {
		if value == "swept" {
			t.Error("the server ran a call that was withdrawn")
		}
	}
}

// testDeafServer makes sure that callers leave on time whatever the server takes.
func testDeafServer(t *testing.T, p Protocol, n nettest.Network) {
	end := make(chan struct{})
	c := NewFake(t, p, n, rpc.ServerLimits{}, func(net.Conn) { <-end }).Dial()
	defer close(end)
	value := strings.Repeat("x", 1<<20)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range 32 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if i%2 == 0 {
				ctx = rpc.WithTimeout(context.Background(), 100*time.Millisecond)
			}
			if _, err := echo(c).Strings(ctx, value); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error is %v", err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the callers were there for %v", took)
	}
}

// testDeafClient makes sure that one who does not read disturbs nobody else.
func testDeafClient(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	nc := b.Raw()
	request, _ := p.Request("large 1000000")
	go func() { _, _ = nc.Write(bytes.Repeat(request, 1000)) }()
	c := b.Dial()
	for range 100 {
		mustAnswer(t, c)
	}
	nc.Close()
}

func testDisconnect(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	neighbour := b.Dial()
	c, nc := b.Dial(), b.Raw()
	go func() { _, _ = echo(c).Strings(t.Context(), "until done") }()
	<-b.Echo.Blocked
	c.Close()
	request, _ := p.Request("until done")
	_, _ = nc.Write(request)
	<-b.Echo.Blocked
	nc.Close()
	for range 2 {
		if err := <-b.Echo.Ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the context ended with %v", err)
		}
	}
	mustAnswer(t, neighbour)
}

func testSlowCall(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	nc := b.Raw()
	fast, answer := p.Request("fast")
	slow, slowAnswer := p.Request("block")
	_, _ = nc.Write(append(append(fast[:len(fast):len(fast)], slow...), fast...))
	mustRead(t, nc, answer)
	b.Echo.Release <- struct{}{}
	mustRead(t, nc, append(slowAnswer[:len(slowAnswer):len(slowAnswer)], answer...))
	_, _ = nc.Write(fast)
	mustRead(t, nc, answer)
}

func mustRead(t *testing.T, nc net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %q, %v; want %q", got[:n], err, want)
	}
}

func mustEnd(t *testing.T, nc net.Conn) {
	t.Helper()
	if rest, err := io.ReadAll(nc); len(rest) > 0 {
		t.Errorf("read %q, %v; want nothing", rest, err)
	}
}

func testShutdown(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	idle, nc, c := b.Raw(), b.Raw(), b.Dial()
	mustAnswer(t, c)
	block, answer := p.Request("block")
	hi, hiAnswer := p.Request("hi")
	_, _ = idle.Write(hi)
	mustRead(t, idle, hiAnswer)
	_, _ = nc.Write(append(append(block, hi...), hi...))
	called := make(chan error)
	go func() {
		_, err := echo(c).Strings(t.Context(), "block")
		called <- err
	}()
	<-b.Echo.Blocked
	<-b.Echo.Blocked
	down := make(chan error)
	go func() { down <- b.Server.Shutdown(t.Context()) }()
	mustEnd(t, idle)
	b.Echo.Release <- struct{}{}
	b.Echo.Release <- struct{}{}
	if err := <-called; err != nil {
		t.Errorf("the call that ran: %v", err)
	}
	mustRead(t, nc, append(append(answer, hiAnswer...), hiAnswer...))
	mustEnd(t, nc)
	if err := <-down; err != nil {
		t.Errorf("Shutdown returned %v", err)
	}
	<-c.Done()
	if _, err := echo(c).Strings(t.Context(), "late"); code(err) != rpc.Unavailable ||
		outcome(err) != rpc.OutcomeNotStarted {
		t.Errorf("a call after the server has gone: %v", err)
	}
}

func testShutdownCut(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	c := b.Dial()
	called := make(chan error)
	go func() {
		_, err := echo(c).Strings(t.Context(), "until done")
		called <- err
	}()
	<-b.Echo.Blocked
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.Server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown returned %v", err)
	}
	if err := <-b.Echo.Ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context ended with %v", err)
	}
	if err := <-called; code(err) != rpc.Unavailable || outcome(err) != rpc.OutcomeUnknown {
		t.Errorf("the call returned %v", err)
	}
}

// testLate gives connections to a server that has shut down: it answers what has arrived, and ends.
func testLate(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	if err := b.Server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown returned %v", err)
	}
	request, answer := p.Request("hi")
	for _, test := range []struct {
		name        string
		head, after []byte
		answers     int
	}{
		{"nothing", nil, nil, 0},
		{"a request", request, nil, 1},
		{"two requests", append(request[:len(request):len(request)], request...), nil, 2},
		{"a request, and one on its way", request, request, 2},
		{"a request in two parts", request[:3], request[3:], 1},
	} {
		near, far := b.Pair()
		_, _ = near.Write(test.after)
		served := make(chan struct{})
		go func() {
			defer close(served)
			b.Server.ServeConn(far, test.head, new(rpc.Peer))
		}()
		if got, err := io.ReadAll(near); !bytes.Equal(got, bytes.Repeat(answer, test.answers)) {
			t.Errorf("%s: read %q, %v; want %d answers", test.name, got, err, test.answers)
		}
		near.Close()
		<-served
	}
	b.Server.Close()
	near, far := b.Pair()
	b.Server.ServeConn(far, request, new(rpc.Peer))
	mustEnd(t, near)
}

// testShutdownMidway sends the rest of a request when the server has begun to shut down.
func testShutdownMidway(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	nc, neighbour := b.Raw(), b.Raw()
	request, answer := p.Request("hi")
	_, _ = nc.Write(append(request[:len(request):len(request)], request[:3]...))
	mustRead(t, nc, answer)
	down := make(chan error)
	go func() { down <- b.Server.Shutdown(t.Context()) }()
	mustEnd(t, neighbour)
	_, _ = nc.Write(request[3:])
	mustRead(t, nc, answer)
	mustEnd(t, nc)
	if err := <-down; err != nil {
		t.Errorf("Shutdown returned %v", err)
	}
}

// testShutdownLong lets a request become whole when the server shuts down that then runs for longer than what follows
// has to be read in: that is refused all the same.
func testShutdownLong(t *testing.T, p Protocol, n nettest.Network) {
	for _, late := range []time.Duration{0, 500 * time.Millisecond} {
		b := NewBench(t, p, n, rpc.ServerLimits{})
		nc := b.Raw()
		request, answer := p.Request("block")
		_, _ = nc.Write(request[:3])
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- b.Server.Shutdown(t.Context()) }()
		synctest.Wait()
		time.Sleep(late)
		_, _ = nc.Write(request[3:])
		<-b.Echo.Blocked
		time.Sleep(5 * time.Second)
		b.Echo.Release <- struct{}{}
		mustRead(t, nc, answer)
		_, _ = nc.Write(request)
		if refusal, err := io.ReadAll(nc); len(refusal) == 0 || err != nil {
			t.Errorf("after %v: a request behind it is answered with %q, %v", late, refusal, err)
		}
		nc.Close()
		if err := <-down; err != nil {
			t.Errorf("Shutdown returned %v", err)
		}
		if seen := b.Echo.Seen(); len(seen) != 1 {
			t.Errorf("%d requests ran", len(seen))
		}
	}
}

func testClose(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	c := b.Dial()
	called := make(chan error)
	go func() {
		_, err := echo(c).Strings(t.Context(), "block")
		called <- err
	}()
	<-b.Echo.Blocked
	if c.Err() != nil {
		t.Errorf("Err returned %v before the end", c.Err())
	}
	c.Close()
	b.Echo.Release <- struct{}{}
	if err := <-called; code(err) != rpc.Unavailable || outcome(err) != rpc.OutcomeUnknown {
		t.Errorf("the call returned %v", err)
	}
	<-c.Done()
	if c.Err() == nil {
		t.Error("Err returned nil after Close")
	}
	if err := c.Close(); err != nil {
		t.Errorf("the second Close returned %v", err)
	}
	if _, err := echo(c).Strings(t.Context(), "late"); outcome(err) != rpc.OutcomeNotStarted {
		t.Errorf("a call after Close returned %v", err)
	}
}

func testLost(t *testing.T, p Protocol, n nettest.Network) {
	request, answer := p.Request("hi")
	c := NewFake(t, p, n, rpc.ServerLimits{}, func(nc net.Conn) {
		_, _ = io.ReadFull(nc, make([]byte, len(request)))
		_, _ = nc.Write(answer)
		_, _ = nc.Read(make([]byte, 1))
	}).Dial()
	if got, err := echo(c).Strings(t.Context(), "hi"); got != "hi" || err != nil {
		t.Fatalf("the first call returned %q, %v", got, err)
	}
	if _, err := echo(c).Strings(t.Context(), "hi"); code(err) != rpc.Unavailable ||
		outcome(err) != rpc.OutcomeUnknown {
		t.Errorf("the call that was cut off: %v", err)
	}
	<-c.Done()
	if _, err := echo(c).Strings(t.Context(), "hi"); code(err) != rpc.Unavailable ||
		outcome(err) != rpc.OutcomeNotStarted {
		t.Errorf("the call after that: %v", err)
	}
}
