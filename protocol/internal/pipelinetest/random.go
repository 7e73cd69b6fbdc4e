package pipelinetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// testRandom lets callers call, cancel and run out of time on connections that end at random. A value is never seen
// twice, one that was answered was seen, and one that was not started was not.
func testRandom(t *testing.T, p Protocol, n nettest.Network) {
	b := NewBench(t, p, n, rpc.ServerLimits{})
	for seed := range uint64(10) {
		c := b.Dial()
		var wg sync.WaitGroup
		var mu sync.Mutex
		outcomes := make(map[string]rpc.Outcome)
		for caller := range 8 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(seed, uint64(caller)))
				for i := range 50 {
					value := fmt.Sprintf("%d/%d/%d %s", seed, caller, i,
						strings.Repeat("x", random.IntN(1<<random.IntN(16))))
					o := randomCall(t, random, c, value)
					mu.Lock()
					outcomes[value] = o
					mu.Unlock()
				}
			})
		}
		if seed%2 == 0 {
			time.Sleep(time.Duration(seed) * time.Millisecond)
			c.Close()
		}
		wg.Wait()
		c.Close()
		checkSeen(t, b.Echo.Seen(), outcomes)
	}
}

func randomCall(t *testing.T, random *rand.Rand, c rpc.Conn, value string) rpc.Outcome {
	ctx := t.Context()
	switch random.IntN(4) {
	case 0:
		ctx = rpc.WithTimeout(context.Background(), time.Duration(random.IntN(1000))*time.Microsecond)
	case 1:
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		timer := time.AfterFunc(time.Duration(random.IntN(1000))*time.Microsecond, cancel)
		defer timer.Stop()
		defer cancel()
	}
	got, err := echo(c).Strings(ctx, value)
	if err == nil && got != value {
		t.Errorf("%.20q came back as %.20q", value, got)
	}
	return outcome(err)
}

func checkSeen(t *testing.T, seen []string, outcomes map[string]rpc.Outcome) {
	t.Helper()
	times := make(map[string]int)
	for _, value := range seen {
		times[value]++
	}
	for value, o := range outcomes {
		n := times[value]
		if n > 1 || n == 1 && o == rpc.OutcomeNotStarted || n == 0 && o == rpc.OutcomeAnswered {
			t.Errorf("%.20q ran %d times; its caller was told: %v", value, n, o)
		}
	}
}
