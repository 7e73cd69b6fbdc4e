package yodel

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

func TestLostCallsAreSentAgainWhereThatIsSafe(t *testing.T) {
	tests := []struct {
		name    string
		method  *rpc.Unary[nothing, nothing, *nothing, *nothing]
		outcome rpc.Outcome
		again   bool
	}{
		{"not started", once, rpc.OutcomeNotStarted, true},
		{"unknown", once, rpc.OutcomeUnknown, false},
		{"unknown but idempotent", safe, rpc.OutcomeUnknown, true},
		{"answered", safe, rpc.OutcomeAnswered, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := new(network)
				ch := n.dial(t, DialOptions{})
				n.outcome = func(c *netConn) error {
					if n.attempts.Load() > 1 {
						return nil
					}
					return c.breaks(&test.method.Method, test.outcome)
				}
				err := call(t.Context(), ch, test.method)
				if test.again {
					if err != nil || n.attempts.Load() != 2 {
						t.Errorf("err = %v after %d connections; want success on the second", err, n.attempts.Load())
					}
				} else {
					wantError(t, err, rpc.Unavailable, test.outcome)
				}
				ch.Close()
			})
		})
	}
}

func TestRetryThatFailsKeepsTheUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		ch := n.dial(t, DialOptions{})
		n.outcome = func(c *netConn) error {
			n.down.Store(true)
			return c.breaks(&safe.Method, rpc.OutcomeUnknown)
		}
		wantError(t, call(t.Context(), ch, safe), rpc.Unavailable, rpc.OutcomeUnknown)
		ch.Close()
	})
}

func TestRefusalOnALivingConnectionIsNotRetried(t *testing.T) {
	n := new(network)
	ch := n.dial(t, DialOptions{})
	calls := 0
	n.outcome = func(*netConn) error {
		calls++
		return rpc.NewError(rpc.ResourceExhausted, "busy").For(&safe.Method, rpc.OutcomeNotStarted)
	}
	wantError(t, call(t.Context(), ch, safe), rpc.ResourceExhausted, rpc.OutcomeNotStarted)
	if calls != 1 {
		t.Errorf("sent %d times; want 1", calls)
	}
}

// A server that takes connections and drops every call costs a bounded number of retries, spread over time.
func TestRetriesStayWithinTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		ch := n.dial(t, DialOptions{})
		n.outcome = func(c *netConn) error { return c.breaks(&once.Method, rpc.OutcomeNotStarted) }
		began := time.Now()
		wantError(t, call(t.Context(), ch, once), rpc.Unavailable, rpc.OutcomeNotStarted)
		if got := n.attempts.Load(); got != 1001 {
			t.Errorf("one call made %d connections; want 1 and a budget of 1000", got)
		}
		if took := time.Since(began); took < time.Hour {
			t.Errorf("1000 connections that answered nothing took %v; want them %v apart", took, 5*time.Second)
		}
		for range 10 {
			call(t.Context(), ch, once)
		}
		if got := n.attempts.Load(); got != 1001+10+1 {
			t.Errorf("10 more calls made %d connections; want one each and 1 retry", got-1001)
		}
		ch.Close()
	})
}

// An old server may end each connection after its answer. That must not look like a failure.
func TestConnectionThatAnsweredIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network)
		ch := n.dial(t, DialOptions{})
		n.outcome = func(c *netConn) error { close(c.done); return nil }
		began := time.Now()
		for range 2000 {
			if err := call(t.Context(), ch, once); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("2000 calls waited %v", took)
		}
		ch.Close()
		if n.attempts.Load() != n.closed.Load() {
			t.Errorf("%d connections, %d closed", n.attempts.Load(), n.closed.Load())
		}
	})
}
