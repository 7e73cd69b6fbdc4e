package pipelinetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// Stress runs one test of the suite, which fits other protocols too.
func Stress(t *testing.T, p Protocol) {
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			testStress(t, p, n)
		})
	}
}

// testStress lets servers end at random while callers call, cancel and run out of time, and while peers send halves of
// requests and cut their connections. All of it comes to an end, and every caller was told the truth.
func testStress(t *testing.T, p Protocol, n nettest.Network) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 0))
		b := NewBench(t, p, n, rpc.ServerLimits{})
		s := &stress{t: t, bench: b, outcomes: make(map[string]rpc.Outcome)}
		for conn := range uint64(3) {
			c := b.Dial()
			for caller := range uint64(3) {
				s.wg.Go(func() { s.call(c, rand.New(rand.NewPCG(seed, 1+4*conn+caller))) })
			}
		}
		for peer := range uint64(3) {
			nc := b.Raw()
			s.wg.Go(func() { s.disturb(nc, rand.New(rand.NewPCG(seed, 100+peer))) })
		}
		time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
		s.end(random)
		s.wg.Wait()
		checkSeen(t, b.Echo.Seen(), s.outcomes)
	}
}

type stress struct {
	t     *testing.T
	bench *Bench
	wg    sync.WaitGroup

	mu       sync.Mutex
	outcomes map[string]rpc.Outcome
}

// call makes calls, some of which take long enough for the watch, until the connection ends.
func (s *stress) call(c rpc.Conn, random *rand.Rand) {
	for i := 0; c.Err() == nil; i++ {
		value := fmt.Sprintf("%d %d", random.Uint64(), i)
		if random.IntN(8) == 0 {
			value = fmt.Sprintf("pause %d %s", random.IntN(15), value)
		}
		o := randomCall(s.t, random, c, value)
		s.mu.Lock()
		s.outcomes[value] = o
		s.mu.Unlock()
	}
}

// disturb sends requests in parts, pauses, and leaves, with or without reading the answers.
func (s *stress) disturb(nc net.Conn, random *rand.Rand) {
	defer nc.Close()
	request, _ := s.bench.protocol.Request("pause 6 disturbed")
	for range random.IntN(10) {
		part := request[:random.IntN(len(request)+1)]
		if _, err := nc.Write(part); err != nil {
			return
		}
		if random.IntN(2) == 0 {
			time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
		}
		if _, err := nc.Write(request[len(part):]); err != nil {
			return
		}
		if random.IntN(2) == 0 {
			_, _ = nc.Read(make([]byte, 100))
		}
	}
	_, _ = nc.Write(request[:random.IntN(len(request))])
}

// end ends the server in one of its ways.
func (s *stress) end(random *rand.Rand) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(random.IntN(20))*time.Millisecond)
	defer cancel()
	switch random.IntN(4) {
	case 0:
		_ = s.bench.Server.Close()
	case 1:
		s.wg.Go(func() { _ = s.bench.Server.Shutdown(s.t.Context()) })
		_ = s.bench.Server.Shutdown(ctx)
	case 2:
		_ = s.bench.Server.Shutdown(ctx)
	default:
		if err := s.bench.Server.Shutdown(s.t.Context()); err != nil {
			s.t.Errorf("Shutdown returned %v", err)
		}
	}
}
