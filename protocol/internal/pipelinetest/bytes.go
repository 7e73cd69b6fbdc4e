package pipelinetest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// testCuts ends the connection after each byte of a request, and after each byte of an answer.
func testCuts(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	neighbour := b.Dial()
	request, answer := p.Request("hi")
	for i := range request {
		nc := b.Raw()
		_, _ = nc.Write(request[:i])
		_ = nc.(interface{ CloseWrite() error }).CloseWrite()
		mustEnd(t, nc)
		mustAnswer(t, neighbour)
	}
	for i := range answer {
		c := NewFake(t, p, n, rpc.ServerLimits{}, func(nc net.Conn) {
			_, _ = nc.Read(make([]byte, 1000))
			_, _ = nc.Write(answer[:i])
		}).Dial()
		if _, err := echo(c).Strings(t.Context(), "hi"); code(err) != rpc.Unavailable ||
			outcome(err) != rpc.OutcomeUnknown {
			t.Errorf("an answer cut after %d bytes: %v", i, err)
		}
	}
}

// testSplits sends a request and an answer in two parts.
func testSplits(t *testing.T, p Protocol, n nettest.Network) {
	request, answer := p.Request("hi")
	nc := NewBench(t, p, n, rpc.ServerLimits{}).Raw()
	for i := range request {
		_, _ = nc.Write(request[:i])
		_, _ = nc.Write(request[i:])
		mustRead(t, nc, answer)
	}
	c := NewFake(t, p, n, rpc.ServerLimits{}, func(nc net.Conn) {
		for i := range answer {
			if _, err := nc.Read(make([]byte, 1000)); err != nil {
				return
			}
			_, _ = nc.Write(answer[:i])
			_, _ = nc.Write(answer[i:])
		}
		_, _ = io.Copy(io.Discard, nc)
	}).Dial()
	for range answer {
		if got, err := echo(c).Strings(t.Context(), "hi"); got != "hi" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

// testSlowRequest sends requests that stop, and requests of which a byte comes now and then: they have a time as a
// whole.
func testSlowRequest(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{Limits: rpc.Limits{MessageTime: time.Minute}})
	request, answer := p.Request("hi")
	for _, pause := range []time.Duration{time.Hour, 9 * time.Second, time.Second * 59} {
		nc := b.Raw()
		_, _ = nc.Write(request)
		mustRead(t, nc, answer)
		start := time.Now()
		var dripping sync.WaitGroup
		dripping.Go(func() { drip(nc, request[:len(request)-2], pause) })
		mustEnd(t, nc)
		if took := time.Since(start); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("with a byte every %v the connection ended after %v", pause, took)
		}
		dripping.Wait()
	}
}

// drip writes b byte for byte, until the connection ends.
func drip(nc net.Conn, b []byte, pause time.Duration) {
	for i := range b {
		if _, err := nc.Write(b[i : i+1]); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// testSlowFirst sends first requests that are slow: they have the time to the first request as a whole.
func testSlowFirst(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	request, answer := p.Request("hi")
	slow, nc := b.Raw(), b.Raw()
	_, _ = slow.Write(request[:3])
	time.Sleep(9 * time.Second)
	_, _ = slow.Write(request[3:])
	mustRead(t, slow, answer)
	mustEnd(t, nc) // it has sent nothing
	nc = b.Raw()
	start := time.Now()
	var dripping sync.WaitGroup
	dripping.Go(func() { drip(nc, request[:len(request)-2], 9*time.Second) })
	defer dripping.Wait()
	mustEnd(t, nc)
	if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
		t.Errorf("the connection ended after %v", took)
	}
}

func testStalledAnswer(t *testing.T, p Protocol, n nettest.Network) {
	_, answer := p.Request("hi")
	c := NewFake(t, p, n, rpc.ServerLimits{}, func(nc net.Conn) {
		_, _ = nc.Read(make([]byte, 1000))
		time.Sleep(24 * time.Hour)
		drip(nc, answer[:3], 13*time.Second)
		_, _ = io.Copy(io.Discard, nc)
	}).Dial()
	start := time.Now()
	if _, err := echo(c).Strings(t.Context(), "hi"); code(err) != rpc.Unavailable ||
		outcome(err) != rpc.OutcomeUnknown {
		t.Errorf("the call returned %v", err)
	}
	if took := time.Since(start) - 24*time.Hour; took < 30*time.Second || took > time.Minute {
		t.Errorf("the call returned %v after the answer began", took)
	}
}

func testStalledWrite(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	nc := b.Raw()
	request, _ := p.Request("large 200000")
	_, _ = nc.Write(request)
	time.Sleep(25 * time.Second)
	_, _ = io.ReadFull(nc, make([]byte, 100_000))
	time.Sleep(25 * time.Second)
	if _, err := io.ReadFull(nc, make([]byte, 100_000)); err != nil {
		t.Errorf("the connection ended although bytes moved: %v", err)
	}
	_, _ = nc.Write(request)
	time.Sleep(80 * time.Second)
	rest, err := io.ReadAll(nc)
	if len(rest) > 100_000 {
		t.Errorf("%d bytes came after a long pause, %v", len(rest), err)
	}
}

// testIdle makes sure that only the first request has to come in time.
func testIdle(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	nc, c := b.Raw(), b.Dial()
	request, answer := p.Request("hi")
	for range 3 {
		mustAnswer(t, c)
		_, _ = nc.Write(request)
		mustRead(t, nc, answer)
		time.Sleep(24 * time.Hour)
	}
}

// testCallTime makes sure that the limit ends a handler's context.
func testCallTime(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{CallTime: time.Hour})
	start := time.Now()
	if _, err := echo(b.Dial()).Strings(t.Context(), "until done"); code(err) != rpc.DeadlineExceeded ||
		outcome(err) != rpc.OutcomeAnswered {
		t.Errorf("the call returned %v", err)
	}
	if took := time.Since(start); took != time.Hour {
		t.Errorf("the call took %v", took)
	}
}
