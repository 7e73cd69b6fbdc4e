package conns_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yodelrpc/yodel/protocol/internal/conns"
)

// A conn counts what is asked of it, and looks into its set meanwhile, which must not be locked then.
type conn struct {
	set           *conns.Set[*conn]
	drained, cuts atomic.Int32
	onCut         func()
}

func (c *conn) Drain() {
	c.drained.Add(1)
	c.set.Draining()
}

func (c *conn) Cut() {
	c.cuts.Add(1)
	c.set.All()
	if c.onCut != nil {
		c.onCut()
	}
}

func add(t *testing.T, s *conns.Set[*conn], wantDraining, wantOK bool) *conn {
	t.Helper()
	c := &conn{set: s}
	if draining, ok := s.Add(c); draining != wantDraining || ok != wantOK {
		t.Errorf("Add returns %v, %v, and not %v, %v", draining, ok, wantDraining, wantOK)
	}
	return c
}

func isEmpty(s *conns.Set[*conn]) bool {
	select {
	case <-s.Empty():
		return true
	default:
		return false
	}
}

// Each connection is drained once, whether it was there before the server shut down or came after.
func TestDrain(t *testing.T) {
	t.Parallel()
	var s conns.Set[*conn]
	before := add(t, &s, false, true)
	gone := add(t, &s, false, true)
	s.Remove(gone)
	s.Drain()
	after := add(t, &s, true, true)
	s.Drain()
	if b, g, a := before.drained.Load(), gone.drained.Load(), after.drained.Load(); b != 1 || g != 0 || a != 1 {
		t.Errorf("drained %d, %d and %d times, and not 1, 0 and 1", b, g, a)
	}
	if before.cuts.Load() != 0 || len(s.All()) != 2 {
		t.Errorf("%d cuts, %d connections", before.cuts.Load(), len(s.All()))
	}
}

// Shutdown waits for connections and for work that outlasts them.
func TestShutdown(t *testing.T) {
	t.Parallel()
	var s conns.Set[*conn]
	c := add(t, &s, false, true)
	if !s.Begin() {
		t.Fatal("no work is taken")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(nil)
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returns %v at the end of its context", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	s.Remove(c)
	if isEmpty(&s) {
		t.Error("the set is empty while work is left")
	}
	s.End()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !isEmpty(&s) || c.drained.Load() != 1 {
		t.Errorf("empty: %v, drained %d times", isEmpty(&s), c.drained.Load())
	}
}

// Close cuts what is there at the same time, and takes nothing any more. It does not wait for the connections' end.
func TestClose(t *testing.T) {
	t.Parallel()
	var s conns.Set[*conn]
	var all [3]*conn
	var together sync.WaitGroup
	together.Add(len(all))
	for i := range all {
		all[i] = add(t, &s, false, true)
		all[i].onCut = func() { together.Done(); together.Wait() }
	}
	s.Close()
	for _, c := range all {
		if c.cuts.Load() != 1 || c.drained.Load() != 0 {
			t.Errorf("cut %d times, drained %d times", c.cuts.Load(), c.drained.Load())
		}
	}
	late := add(t, &s, true, false)
	if late.drained.Load() != 0 || s.Begin() || isEmpty(&s) {
		t.Error("a closed set takes more")
	}
	for _, c := range all {
		s.Remove(c)
	}
	if !isEmpty(&s) {
		t.Error("the set is not empty")
	}
}

// However connections come and go while the server shuts down and closes, each is drained once at most, each that
// was there at the end is cut, and the set becomes empty.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	for range 200 {
		var s conns.Set[*conn]
		var conns sync.WaitGroup
		for range 4 {
			conns.Go(func() {
				for {
					cut := make(chan struct{})
					c := &conn{set: &s}
					c.onCut = sync.OnceFunc(func() { close(cut) })
					draining, ok := s.Add(c)
					if !ok {
						return
					}
					if draining {
						<-cut
					}
					s.Remove(c)
					if n := c.drained.Load(); n > 1 || draining && n == 0 {
						t.Errorf("drained %d times, draining: %v", n, draining)
					}
				}
			})
		}
		conns.Go(s.Drain)
		conns.Go(s.Drain)
		s.Drain()
		s.Close()
		<-s.Empty()
		conns.Wait()
	}
}
