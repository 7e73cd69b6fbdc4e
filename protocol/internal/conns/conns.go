// Package conns keeps the connections of a server, and ends them when the server does. The servers of mux and web, and
// that of basic and line in package pipeline, stand on it.
package conns

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// A Conn is a server's end of a connection. A Set calls its methods without a lock of its own, from any goroutine.
type Conn interface {
	comparable

	// Drain makes the connection end when what it has to answer is answered. It does not wait for that.
	Drain()

	// Cut ends the connection at once, and the contexts of its handlers. It may take as long as closing does, which
	// inside TLS is seconds, and does not wait for the handlers.
	Cut()
}

// A Set is the connections that a server serves, and whether it takes more. Its methods may be called by any number of
// goroutines at once. The zero Set is empty, and takes connections.
type Set[C Conn] struct {
	mu       sync.Mutex
	conns    map[C]struct{}
	work     int // begun and not ended, see Begin
	draining bool
	closed   bool
	empty    chan struct{} // closed when no connection and no work is left; nil while nobody waits for that
}

// Add adds a connection, unless the set is closed. It drains one that comes once the server shuts down, and says so.
func (s *Set[C]) Add(c C) (draining, ok bool) {
	if draining, ok = s.add(c); draining && ok {
		c.Drain()
	}
	return draining, ok
}

func (s *Set[C]) add(c C) (draining, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.draining, false
	}
	if s.conns == nil {
		s.conns = make(map[C]struct{})
	}
	s.conns[c] = struct{}{}
	return s.draining, true
}

// Remove removes a connection that has ended.
func (s *Set[C]) Remove(c C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.signalEmptyLocked()
}

// Begin counts work that may outlast its connection, such as a handler, unless the set is closed: it is not empty
// before End has been called.
func (s *Set[C]) Begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work++
	return true
}

// End ends what Begin began.
func (s *Set[C]) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work--
	s.signalEmptyLocked()
}

// All returns the connections that there are.
func (s *Set[C]) All() []C {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.conns))
}

// Draining reports whether the server shuts down.
func (s *Set[C]) Draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Empty returns a channel that is closed when no connection and no work is left.
func (s *Set[C]) Empty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.signalEmptyLocked()
	return empty
}

func (s *Set[C]) signalEmptyLocked() {
	if len(s.conns) == 0 && s.work == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// Drain drains all connections, once: those to come are drained by Add.
func (s *Set[C]) Drain() {
	for _, c := range s.beginDrain() {
		c.Drain()
	}
}

// beginDrain returns the connections to drain, none of which Add has drained.
func (s *Set[C]) beginDrain() []C {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return nil
	}
	s.draining = true
	return slices.Collect(maps.Keys(s.conns))
}

// Shutdown drains all connections, and waits until the set is empty. When ctx ends first it returns ctx's error, and
// leaves it to the server to cut what is left.
func (s *Set[C]) Shutdown(ctx context.Context) error {
	s.Drain()
	select {
	case <-s.Empty():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close takes no more connections and no more work, and cuts the connections that there are, all at the same time. It
// does not wait until the set is empty.
func (s *Set[C]) Close() {
	var cuts sync.WaitGroup
	for _, c := range s.close() {
		cuts.Go(c.Cut)
	}
	cuts.Wait()
}

func (s *Set[C]) close() []C {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining, s.closed = true, true
	return slices.Collect(maps.Keys(s.conns))
}
