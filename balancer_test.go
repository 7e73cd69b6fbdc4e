package yodel

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/resolve"
	"github.com/yodelrpc/yodel/rpc"
)

// scripted is a balancer and its picker: what is picked, and what is learned.
type scripted struct {
	pick  func(c *rpc.Call, links []balance.Link, failed balance.Link) int
	links []balance.Link
	done  []string
}

func (s *scripted) Picker(links []balance.Link, _ balance.Picker) balance.Picker {
	s.links = links
	return s
}

func (s *scripted) Pick(c *rpc.Call, failed balance.Link) int { return s.pick(c, s.links, failed) }

func (s *scripted) Done(_ *rpc.Call, i int, r balance.Report) {
	s.done = append(s.done, fmt.Sprintf("%d %v %v", i, r.Err == nil, r.Latency))
}

func TestBalancerPicksAndLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		f.at("a").outcome = func(c *netConn) error {
			time.Sleep(time.Second)
			return c.breaks(&safe.Method, rpc.OutcomeUnknown)
		}
		var picks []string
		b := &scripted{pick: func(c *rpc.Call, links []balance.Link, failed balance.Link) int {
			picks = append(picks, fmt.Sprint(c.Attempt, failed != nil && failed.Server().Address == "a",
				links[0].InFlight()))
			return c.Attempt
		}}
		ch := f.dial(t, DialOptions{Resolver: resolve.Static(at("a", "b")...), Balancer: b})
		defer ch.Close()
		if err := call(t.Context(), ch, safe); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(picks, b.done); got != "[0 false 0 1 true 0] [0 false 1s 1 true 0s]" {
			t.Errorf("picked and learned %s", got)
		}
	})
}

func TestBalancerThatPicksNone(t *testing.T) {
	for pick, code := range map[int]rpc.Code{-1: rpc.Unavailable, 1: rpc.Internal} {
		b := &scripted{pick: func(*rpc.Call, []balance.Link, balance.Link) int { return pick }}
		ch := new(network).dial(t, DialOptions{Balancer: b})
		wantError(t, call(t.Context(), ch, once), code, rpc.OutcomeNotStarted)
	}
	b := &scripted{pick: func(*rpc.Call, []balance.Link, balance.Link) int { panic("a test's balancer panics") }}
	ch := new(network).dial(t, DialOptions{Balancer: b})
	wantError(t, call(t.Context(), ch, once), rpc.Internal, rpc.OutcomeNotStarted) // no attempt has been made
}

func TestUnreachableServerWithSeveralConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		f.at("a").down.Store(true)
		next := 0
		b := &scripted{pick: func(*rpc.Call, []balance.Link, balance.Link) int { next++; return next - 1 }}
		ch := f.dial(t, DialOptions{Resolver: resolve.Static(at("a", "b")...), Conns: 2, Balancer: b})
		defer ch.Close()
		if err := call(t.Context(), ch, once); err != nil || f.called()["b"] != 1 {
			t.Errorf("after two links to a server that is down: %v; links 0 and 1 are a's, 2 is b's", err)
		}

		f.at("b").down.Store(true)
		asked := 0
		b.pick = func(*rpc.Call, []balance.Link, balance.Link) int { asked++; return 0 }
		wantError(t, call(t.Context(), ch, once), rpc.Unavailable, rpc.OutcomeNotStarted)
		if asked != 8 {
			t.Errorf("a balancer that always picks the same of 4 links was asked %d times", asked)
		}
	})
}
