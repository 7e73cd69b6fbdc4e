package yodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/resolve"
	"github.com/yodelrpc/yodel/rpc"
)

// A member is one link of a channel that chooses among several.
type member struct {
	link    *link.Link
	server  atomic.Pointer[resolve.Server] // written with servers.mu held
	running atomic.Int64                   // attempts under way; counted by the calls that make them
	leaving atomic.Bool                    // set once by leave, when its server is no longer told of
	// called once it is leaving and no attempt is under way, perhaps more than once
	idle func()
}

var _ balance.Link = (*member)(nil)

func (m *member) Server() resolve.Server { return *m.server.Load() }
func (m *member) Ready() bool            { return m.link.Ready() }
func (m *member) InFlight() int          { return int(m.running.Load()) }
func (m *member) Wake()                  { m.link.Wake() }

// begin counts an attempt, or returns false where the member is leaving.
func (m *member) begin() bool {
	m.running.Add(1)
	if m.leaving.Load() { // it is counted first, so that either it sees leave or leave sees it
		m.end()
		return false
	}
	return true
}

func (m *member) end() {
	if m.running.Add(-1) == 0 && m.leaving.Load() {
		m.idle()
	}
}

// leave lets the attempts under way end, and the link after them.
func (m *member) leave() {
	m.leaving.Store(true)
	m.link.Retire()
	if m.running.Load() == 0 {
		m.idle()
	}
}

// A roster is the links of a channel and what picks among them, at one time. Nothing in it changes.
type roster struct {
	members []*member
	servers int // of which these are the links
	picker  balance.Picker
	learner balance.Learner // the picker, if it is one
	cause   error           // why there are no members; nil where that is not known yet
	changed chan struct{}   // closed when another roster has taken this one's place
}

// servers are those of a channel, which come and go. Its goroutines are that of the resolver, from the first call on,
// and one for each link that goes.
type servers struct {
	resolver resolve.Resolver // nil where the roster never changes
	balancer balance.Balancer
	newLink  func(address string) (*link.Link, error)
	conns    int // for each server
	backoff  Backoff
	log      *rpc.Log

	current atomic.Pointer[roster] // written with mu held
	ctx     context.Context        // of the resolver; ends with close
	cancel  context.CancelFunc
	start   sync.Once      // the resolver
	wg      sync.WaitGroup // the resolver, and members that leave

	mu     sync.Mutex
	closed bool
	going  map[*member]bool // that leave
}

var errResolving = errors.New("the resolver has not told of any server yet")

func newServers(s *servers) *servers {
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.going = make(map[*member]bool)
	s.current.Store(&roster{changed: make(chan struct{})})
	return s
}

// update takes the resolver's word for which servers there are.
func (s *servers) update(list []resolve.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	old := s.current.Load()
	next := &roster{changed: make(chan struct{}), cause: errors.New("the resolver knows no server")}
	var seen []string
	for _, server := range list {
		if slices.Contains(seen, server.Address) {
			continue
		}
		kept, err := s.membersLocked(old, server)
		if err != nil {
			next.cause = err
			s.log.Warn("a server is left out", "cause", err)
			continue
		}
		seen = append(seen, server.Address)
		next.members = append(next.members, kept...)
	}
	next.servers = len(seen)
	s.replaceLocked(old, next)
}

// membersLocked returns the links to a server: those of old, or new ones.
func (s *servers) membersLocked(old *roster, server resolve.Server) (members []*member, err error) {
	for _, m := range old.members {
		if m.Server().Address == server.Address {
			m.server.Store(&server)
			members = append(members, m)
		}
	}
	for len(members) < s.conns {
		l, err := s.newLink(server.Address)
		if err != nil {
			return nil, err
		}
		m := &member{link: l}
		m.idle = func() { s.release(m) }
		m.server.Store(&server)
		members = append(members, m)
	}
	return members, nil
}

// replaceLocked puts next in old's place.
func (s *servers) replaceLocked(old, next *roster) {
	if len(next.members) > 0 {
		links := make([]balance.Link, len(next.members))
		for i, m := range next.members {
			links[i] = m
		}
		next.picker = s.balancer.Picker(links, old.picker)
		next.learner, _ = next.picker.(balance.Learner)
	}
	s.current.Store(next)
	close(old.changed)
	for _, m := range old.members {
		if !slices.Contains(next.members, m) {
			s.going[m] = true
			s.wg.Go(m.leave) // apart, for leave may release it, which takes mu
		}
	}
}

// release closes the link of a member that has left.
func (s *servers) release(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.going[m] && !s.closed {
		delete(s.going, m)
		s.wg.Go(func() { m.link.Close() }) // the caller may be a call
	}
}

// failed notes why the resolver has ended; it says so to calls where there is no server.
func (s *servers) failed(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	if len(old.members) > 0 || s.closed {
		return
	}
	s.current.Store(&roster{changed: make(chan struct{}), cause: cause})
	close(old.changed)
}

// resolve is the resolver's goroutine.
func (s *servers) resolve() {
	for failures := 1; s.ctx.Err() == nil; failures++ {
		var updated atomic.Bool // set by any goroutine that calls update
		err := errors.New("the resolver ended its goroutine")
		rpc.Apart(func() {
			err = rpc.Guard{Log: s.log, Local: true}.Run("the resolver", func() error {
				return s.resolver.Resolve(s.ctx, func(list []resolve.Server) {
					updated.Store(true)
					s.update(slices.Clone(list))
				})
			}, nil)
		})
		if err == nil {
			s.failed(errors.New("the resolver has ended and told of no server"))
		}
		if err == nil || s.ctx.Err() != nil {
			return
		}
		if updated.Load() {
			failures = 1
		}
		err = fmt.Errorf("the resolver failed: %w", err)
		s.failed(err)
		wait := s.backoff.Delay(failures)
		s.log.Warn("no news of servers", "cause", err, "failures", failures, "next_attempt_in", wait)
		timer := time.NewTimer(wait)
		select {
		case <-s.ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// roster returns the links that there are, and waits for some: for the first word of the resolver, or, if patient,
// until there is one.
func (s *servers) roster(ctx context.Context, m *rpc.Method, expiry time.Time, patient bool) (*roster, error) {
	r := s.current.Load()
	if len(r.members) > 0 {
		return r, nil
	}
	s.start.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.wg.Go(s.resolve)
		}
	})
	var expired <-chan time.Time // never, if there is no expiry
	if !expiry.IsZero() {
		timer := time.NewTimer(time.Until(expiry))
		defer timer.Stop()
		expired = timer.C
	}
	for ; ; r = s.current.Load() {
		cause := r.cause
		switch {
		case s.ctx.Err() != nil:
			return nil, link.Unavailable(m, link.ErrClosed)
		case len(r.members) > 0:
			return r, nil
		case cause != nil && !patient:
			return nil, link.Unavailable(m, cause)
		case cause == nil:
			cause = errResolving
		}
		select {
		case <-r.changed:
		case <-s.ctx.Done():
		case <-ctx.Done():
			return nil, link.Waited(ctx, m, cause)
		case <-expired:
			return nil, link.Waited(ctx, m, cause)
		}
	}
}

// close ends the resolver and all links, and waits for them.
func (s *servers) close() {
	s.mu.Lock()
	s.closed = true
	members := slices.Clone(s.current.Load().members)
	for m := range s.going {
		members = append(members, m)
	}
	s.mu.Unlock()
	s.cancel()
	for _, m := range members {
		m.link.Retire()
	}
	for _, m := range members {
		m.link.Close()
	}
	s.wg.Wait()
}
