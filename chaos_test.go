package yodel_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/rpc"
)

// tally is a handler that counts how often each call ran; num1 is the call's number.
type tally struct{ runs [8_000]atomic.Int32 }

func (h *tally) Divide(_ context.Context, num1, _ int32) (float32, error) {
	h.runs[num1].Add(1)
	return float32(num1), nil
}

// A butcher dials, and cuts connections that it has dialled.
type butcher struct {
	mu    sync.Mutex
	conns []net.Conn
	cuts  int
}

func (b *butcher) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns = append(b.conns, nc)
	return nc, nil
}

// cut ends a connection, half of the time without a word to the server.
func (b *butcher) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.conns) == 0 {
		return
	}
	i := rand.N(len(b.conns))
	if rand.N(2) == 0 {
		b.conns[i].(*net.TCPConn).SetLinger(0)
	}
	b.conns[i].Close()
	b.conns = append(b.conns[:i], b.conns[i+1:]...)
	b.cuts++
}

// Every call ends in one of three ways, and which one it was is true: answered calls ran once, those that did not
// start never ran, and no call ran twice.
func TestOutcomesAreTrueWhileConnectionsAreCut(t *testing.T) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			h := new(tally)
			srv := yodel.NewServer(divide.NewService(h))
			go srv.Serve(context.Background(), ln)
			defer srv.Close()
			b := new(butcher)
			ch, err := yodel.DialOptions{
				Dialer: b.dial, Conns: 4, Timeout: 10 * time.Second, Backoff: yodel.Backoff{Base: time.Millisecond},
			}.Dial(scheme + "://" + ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer ch.Close()
			outcomes := callWhileCutting(divide.NewClient(ch), b, len(h.runs))
			checkOutcomes(t, h, outcomes)
			t.Logf("%d connections were cut", b.cuts)
		})
	}
}

// callWhileCutting makes n calls, each with a number of its own, and returns how they ended.
func callWhileCutting(client *divide.Client, b *butcher, n int) []error {
	ended := make([]error, n)
	var next atomic.Int32
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for i := next.Add(1) - 1; int(i) < n; i = next.Add(1) - 1 {
				_, ended[i] = client.Divide(context.Background(), i)
				if i%50 == 0 {
					b.cut()
				}
			}
		})
	}
	callers.Wait()
	return ended
}

func checkOutcomes(t *testing.T, h *tally, ended []error) {
	t.Helper()
	counts := make(map[string]int)
	for i, err := range ended {
		runs := h.runs[i].Load()
		outcome := rpc.OutcomeAnswered
		if e, ok := errors.AsType[*rpc.Error](err); ok {
			outcome = e.Outcome
		} else if e, ok := errors.AsType[*rpc.ContextError](err); ok {
			outcome = e.Outcome
		}
		counts[outcome.String()]++
		if runs > 1 || runs == 0 && err == nil || runs > 0 && outcome == rpc.OutcomeNotStarted {
			t.Errorf("call %d ran %d times, and ended with %v", i, runs, err)
		}
	}
	t.Logf("%v", counts)
	if counts[rpc.OutcomeAnswered.String()] < len(ended)/2 {
		t.Error("less than half of the calls were answered")
	}
}
