package web_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/protocol/web"
	"github.com/yodelrpc/yodel/rpc"
)

// A large handler answers 300 KB, and notes how often.
type large struct {
	every.EchoHandler
	pause time.Duration
	ran   atomic.Int32
}

const largeAnswer = 300_000

func (h *large) Strings(ctx context.Context, value string) (string, error) {
	time.Sleep(h.pause)
	h.ran.Add(1)
	return strings.Repeat("x", largeAnswer), nil
}

// bubble serves one end of a connection in memory inside a bubble of time, and returns the other.
func bubble(t *testing.T, limits rpc.ServerLimits, services ...*rpc.Service) (*web.Server, net.Conn) {
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	s := web.NewServer(d, line.Format(), basic.Format())
	near, far := net.Pipe()
	go s.ServeConn(far, nil, new(rpc.Peer))
	t.Cleanup(func() { near.Close(); s.Close() })
	return s, near
}

const callStrings = `{"name": "Echo.strings", "params": {"value": "x"}}`

// Calls for answers that nobody reads must not run on and on.
func TestAnswersThatNobodyReads(t *testing.T) {
	for _, test := range []struct {
		name  string
		pause time.Duration
		most  int32
	}{
		{"quick", 0, 8},
		{"slow", time.Second, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &large{pause: test.pause}
				_, nc := bubble(t, rpc.ServerLimits{Answers: 400 << 10}, every.NewEchoService(h))
				p := newH2peer(t, nc, 0)
				for i := range 250 {
					p.call(2*i+1, callStrings)
				}
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if n := h.ran.Load(); n > test.most {
					t.Errorf("%d calls have run whose answers nobody reads; want at most %d", n, test.most)
				}
				for i := range 250 {
					p.frame(frameWindow, 0, 2*i+1, []byte{0, 0x40, 0, 0})
				}
				p.frame(frameWindow, 0, 0, []byte{0x40, 0, 0, 0})
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				p.mu.Lock()
				defer p.mu.Unlock()
				for i := range 250 {
					if n := p.bytes[2*i+1]; n < largeAnswer {
						t.Fatalf("of answer %d came %d bytes after the peer had read on", i, n)
					}
				}
			})
		})
	}
}

// Bodies that have begun hold no more than a connection may; all of them are answered.
func TestBodiesThatHaveBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nc := bubble(t, rpc.ServerLimits{Limits: rpc.Limits{Message: 512 << 10}}, every.NewEchoService(&large{}))
		p := newH2peer(t, nc, 1<<20)
		const size, window = 512<<10 - 1000, 64 << 10
		sent := make(map[int]int)
		for i := range 250 {
			p.frame(frameHeaders, flagEndHeaders, 2*i+1, h2headers(size))
		}
		sendAll := func(limit int) (total int) {
			for moved := true; moved; {
				moved = false
				for i := range 250 {
					stream := 2*i + 1
					if n := p.send(stream, sent[stream], limit-sent[stream], window); n > 0 {
						sent[stream] += n
						moved = true
					}
				}
				synctest.Wait()
			}
			for _, n := range sent {
				total += n
			}
			return total
		}
		if total := sendAll(size - 1); total > 14<<20 {
			t.Errorf("the server took %d MiB of bodies of which none is whole", total>>20)
		}
		for range 1000 {
			sendAll(size)
			for i := range 250 {
				if stream := 2*i + 1; sent[stream] == size {
					p.frame(frameData, flagEndStream, stream, nil)
					sent[stream]++
				}
			}
			p.frame(frameWindow, 0, 0, []byte{0, 0x10, 0, 0})
			synctest.Wait()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		statuses := make(map[string]int)
		for i := range 250 {
			if stream := 2*i + 1; p.ended[stream] {
				statuses[p.status[stream]]++
			}
		}
		if statuses["400"] < 50 {
			t.Errorf("statuses %v; want 400, for bad JSON, for all but those that were refused for want of memory",
				statuses)
		}
	})
}
