package web

import (
	"context"
	"sync"

	"github.com/yodelrpc/yodel/rpc"
)

// A budget bounds bytes that the requests of one HTTP/2 connection hold together. One request may always hold what it
// wants, so that one that is larger than the budget does not wait for ever.
type budget struct {
	size   int
	unread int // bytes that those who wait may leave with the connection together

	mu      sync.Mutex
	held    int
	waiting []*waiter
	left    int // bytes that those who wait leave with the connection
}

type waiter struct {
	n     int
	left  int           // bytes that it may leave with the connection
	ready chan struct{} // closed when it holds n bytes
}

// acquire waits until n more bytes fit, or ctx ends. Meanwhile left bytes may stay with the connection. It refuses to
// wait where those of others leave no room for them.
func (b *budget) acquire(ctx context.Context, n, left int) *rpc.Error {
	b.mu.Lock()
	if b.fitsLocked(n) {
		b.held += n
		b.mu.Unlock()
		return nil
	}
	if left > 0 && b.left+left > b.unread {
		waiting := len(b.waiting)
		b.mu.Unlock()
		return rpc.Errorf(rpc.ResourceExhausted, "%d large requests of this connection wait for memory already; "+
			"send fewer at once, or over more connections", waiting)
	}
	w := &waiter{n: n, left: left, ready: make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.left += left
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		b.leave(w)
		if ctx.Err() == context.DeadlineExceeded {
			return rpc.NewError(rpc.DeadlineExceeded,
				"the call waited for earlier answers of its connection to be read")
		}
		return rpc.NewError(rpc.Canceled, "the request ended while it waited for others of its connection")
	}
}

func (b *budget) fitsLocked(n int) bool { return b.held == 0 || n <= b.size-b.held }

// leave takes a waiter out of the queue, or gives back what it got meanwhile.
func (b *budget) leave(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.waiting {
		if other == w {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			b.left -= w.left
			return
		}
	}
	b.changeLocked(-w.n)
}

// change adds n, which may be negative, to what is held, without waiting.
func (b *budget) change(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changeLocked(n)
}

// changeLocked lets those go on for whom there is room now. Small ones pass large ones, for a call that waits for a
// long one to end must not keep the others waiting.
func (b *budget) changeLocked(n int) {
	b.held += n
	left := b.waiting[:0]
	for _, w := range b.waiting {
		if b.fitsLocked(w.n) {
			b.held += w.n
			b.left -= w.left
			close(w.ready)
		} else {
			left = append(left, w)
		}
	}
	clear(b.waiting[len(left):])
	b.waiting = left
}

// A share is what one call takes up of its connection's budget for answers.
type share struct {
	*budget
	sizes []size
	size  *size // of the call's method; nil before take
	held  int
}

// take waits until a call of route may run, for how large its answer is shows only when it is there.
func (s *share) take(ctx context.Context, route *rpc.Route) *rpc.Error {
	size := &s.sizes[route.Index]
	n := size.reserve(s.budget.size)
	if err := s.acquire(ctx, n, 0); err != nil {
		return err
	}
	s.size, s.held = size, n
	return nil
}

// adjust makes the share that of an answer of n bytes.
func (s *share) adjust(n int) {
	if s.size != nil {
		s.size.learn(n)
		s.hold(n)
	}
}

// hold makes the share one of n bytes, if there is one.
func (s *share) hold(n int) {
	if s.size != nil {
		s.change(n - s.held)
		s.held = n
	}
}

// giveBack ends the share, when the peer has taken the answer or never will.
func (s *share) giveBack() {
	if s.held > 0 {
		s.change(-s.held)
	}
}

// A size is what the answers of one method were like.
type size struct {
	mu   sync.Mutex
	any  bool
	peak int
}

// The share of a running call is a part of the largest answer of its method, or of the budget where it has given none.
// So the calls that run when the budget is used up, whose answers it then holds as well, are few where answers are
// large: callsAtPeak of the largest, callsUnknown of the first.
const (
	callsAtPeak  = 2
	callsUnknown = 8
)

func (s *size) reserve(budget int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.any {
		return budget / callsUnknown
	}
	return max(s.peak/callsAtPeak, budget/256, 1)
}

func (s *size) learn(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.any, s.peak = true, max(s.peak, n)
}
