package yodel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/resolve"
	"github.com/yodelrpc/yodel/rpc"
)

// told is a resolver that the test speaks through: a list, or an error that ends Resolve.
type told chan any

func (r told) Resolve(ctx context.Context, update func([]resolve.Server)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case what := <-r:
			switch what := what.(type) {
			case error:
				return what
			case []resolve.Server:
				update(what)
			}
		}
	}
}

func at(addresses ...string) (list []resolve.Server) {
	for _, a := range addresses {
		list = append(list, resolve.Server{Address: a})
	}
	return list
}

// A fleet is servers by address, each of which a test can change.
type fleet struct {
	mu       sync.Mutex
	networks map[string]*network
	calls    map[string]int
}

func (f *fleet) at(address string) *network {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.networks == nil {
		f.networks, f.calls = make(map[string]*network), make(map[string]int)
	}
	n, ok := f.networks[address]
	if !ok {
		n = &network{outcome: func(*netConn) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.calls[address]++
			return nil
		}}
		f.networks[address] = n
	}
	return n
}

// called returns the calls that each server got since the last time.
func (f *fleet) called() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = make(map[string]int)
	return calls
}

func (f *fleet) dial(t *testing.T, o DialOptions) *Channel {
	t.Helper()
	ch, err := newChannel(o, rpc.NewLog(o.Logger), func(address string) (connector, error) {
		if strings.HasPrefix(address, "bad") {
			return nil, errors.New("a bad address")
		}
		return f.at(address).connect, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func mustCall(t *testing.T, ch *Channel, times int) {
	t.Helper()
	for range times {
		if err := call(t.Context(), ch, once); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		r := make(told)
		ch := f.dial(t, DialOptions{Resolver: r})
		defer ch.Close()
		go func() { r <- at("a", "b", "a", "bad") }()
		mustCall(t, ch, 1) // waits for the first word
		synctest.Wait()
		for range 4 { // both are connected soon
			mustCall(t, ch, 1)
			synctest.Wait()
		}
		f.called()
		mustCall(t, ch, 100)
		if got := f.called(); got["a"] != 50 || got["b"] != 50 {
			t.Errorf("the servers got %v calls of 100; want 50 each", got)
		}
		r <- at("b", "c")
		synctest.Wait()
		if got := f.at("a").closed.Load(); got != 1 {
			t.Errorf("%d connections to the server that left were closed; want 1", got)
		}
		if got := f.at("b").closed.Load(); got != 0 {
			t.Error("the connection to the server that stays was closed")
		}
		for range 4 {
			mustCall(t, ch, 1)
			synctest.Wait()
		}
		f.called()
		mustCall(t, ch, 100)
		if got := f.called(); got["a"] != 0 || got["b"] != 50 || got["c"] != 50 {
			t.Errorf("the servers got %v calls of 100; want b and c 50 each", got)
		}
	})
}

// A call that runs on a server that leaves ends as it would, and the connection after it.
func TestServerThatLeavesAnswersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		r := make(told)
		ch := f.dial(t, DialOptions{Resolver: r})
		defer ch.Close()
		answer := make(chan error)
		f.at("a").outcome = func(*netConn) error { return <-answer }
		ended := make(chan error)
		go func() { ended <- call(t.Context(), ch, once) }()
		r <- at("a")
		synctest.Wait()
		r <- at("b")
		synctest.Wait()
		mustCall(t, ch, 3)
		if got := f.called(); got["b"] != 3 {
			t.Errorf("calls went to %v; want 3 to b", got)
		}
		if f.at("a").closed.Load() != 0 {
			t.Error("the connection was closed under a call")
		}
		answer <- nil
		if err := <-ended; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if f.at("a").closed.Load() != 1 {
			t.Error("the connection outlives the last call")
		}
	})
}

func TestNoServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		r := make(told)
		ch := f.dial(t, DialOptions{Resolver: r})
		defer ch.Close()
		err := call(rpc.WithTimeout(t.Context(), time.Second), ch, once)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), errResolving.Error()) {
			t.Errorf("before the first word: %v", err)
		}
		r <- at()
		synctest.Wait()
		err = call(t.Context(), ch, once)
		wantError(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if !strings.Contains(err.Error(), "the resolver knows no server") {
			t.Errorf("with an empty list: %v", err)
		}
		r <- errRefused
		synctest.Wait()
		err = call(t.Context(), ch, once)
		wantError(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if !errors.Is(err, errRefused) {
			t.Errorf("after the resolver has failed: %v", err)
		}
		r <- at("a") // after the backoff
		synctest.Wait()
		mustCall(t, ch, 1)
		r <- errRefused // the servers stay
		synctest.Wait()
		mustCall(t, ch, 1)
	})
}

func TestPatientCallWaitsForAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		r := make(told)
		ch := f.dial(t, DialOptions{Resolver: r, WaitForReady: true})
		defer ch.Close()
		ended := make(chan error)
		go func() { ended <- call(t.Context(), ch, once) }()
		r <- at()
		r <- errRefused
		f.at("a").down.Store(true)
		r <- at("a")
		time.Sleep(time.Minute)
		synctest.Wait()
		r <- at("b") // the call waits for a, which goes
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A server that is down costs no call while there is another one; with none, the call says why.
func TestServerThatIsDownIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		f.at("a").down.Store(true)
		ch := f.dial(t, DialOptions{Resolver: resolve.Static(at("a", "b")...)})
		defer ch.Close()
		mustCall(t, ch, 10)
		if got := f.called(); got["b"] != 10 {
			t.Errorf("calls went to %v; want 10 to b", got)
		}
		down := f.dial(t, DialOptions{Resolver: resolve.Static(at("a")...)})
		defer down.Close()
		err := call(t.Context(), down, once)
		wantError(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		if !errors.Is(err, errRefused) {
			t.Error(err)
		}
		if err := down.Connect(t.Context()); !errors.Is(err, errRefused) {
			t.Errorf("Connect: %v", err)
		}
	})
}

// A lost call that may run again goes to another server, if there is one.
func TestRetryGoesToAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		for _, a := range []string{"a", "b"} {
			f.at(a).outcome = func(c *netConn) error {
				f.at("a").outcome, f.at("b").outcome = nil, nil
				return c.breaks(&once.Method, rpc.OutcomeNotStarted)
			}
		}
		ch := f.dial(t, DialOptions{Resolver: resolve.Static(at("a", "b")...)})
		defer ch.Close()
		mustCall(t, ch, 1)
		synctest.Wait()
		if a, b := f.at("a").attempts.Load(), f.at("b").attempts.Load(); a == 0 || b == 0 {
			t.Errorf("%d and %d connections; want the retry on the other server", a, b)
		}
	})
}

func TestClosedChannelOfManyServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fleet
		for _, r := range []resolve.Resolver{resolve.Static(at("a", "b")...), make(told)} {
			ch := f.dial(t, DialOptions{Resolver: r})
			if _, ok := r.(told); !ok {
				mustCall(t, ch, 4)
			}
			waiting := make(chan error)
			if _, ok := r.(told); ok {
				go func() { waiting <- call(t.Context(), ch, once) }()
				synctest.Wait()
			}
			ch.Close()
			if _, ok := r.(told); ok {
				wantError(t, <-waiting, rpc.FailedPrecondition, rpc.OutcomeNotStarted)
			}
			wantError(t, call(t.Context(), ch, once), rpc.FailedPrecondition, rpc.OutcomeNotStarted)
			wantError(t, ch.Connect(t.Context()), rpc.FailedPrecondition, rpc.OutcomeNotStarted)
			ch.Close()
		}
	})
}

func TestChoiceDoesNotAllocate(t *testing.T) {
	ch := new(network).dial(t, DialOptions{Conns: 2})
	ctx := t.Context()
	call(ctx, ch, once)
	call(ctx, ch, once)
	if n := testing.AllocsPerRun(100, func() { call(ctx, ch, once) }); n > 0 {
		t.Errorf("a call allocates %v times", n)
	}
}

// Servers change while calls run: none is lost, and none is left.
func TestServersChangeUnderCalls(t *testing.T) {
	var f fleet
	r := make(told)
	ch := f.dial(t, DialOptions{Resolver: r, Conns: 2})
	var callers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := call(t.Context(), ch, once); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 200 {
		r <- at(fmt.Sprint(i%3), fmt.Sprint((i+1)%5))
	}
	close(stop)
	callers.Wait()
	ch.Close()
	for a, n := range f.networks {
		if n.attempts.Load() != n.closed.Load() {
			t.Errorf("server %s: %d connections, %d closed", a, n.attempts.Load(), n.closed.Load())
		}
	}
}

func TestTargetsOfServers(t *testing.T) {
	base, _ := parseTarget("lines://calc.example.org:8000", []string{"mux", "line"})
	for server, want := range map[string]string{
		"": "lines://calc.example.org:8000", "10.0.0.1:1": "lines://10.0.0.1:1", "unix:///run/c": "lines+unix:///run/c",
	} {
		if got, err := base.at(server); err != nil || got.over(got.scheme) != want {
			t.Errorf("%q: %v, %v; want %s", server, got, err, want)
		}
	}
	for _, bad := range []string{"10.0.0.1", "mux://10.0.0.1:1", "unix://run"} {
		if _, err := base.at(bad); err == nil || !strings.Contains(err.Error(), "the resolver's server") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
