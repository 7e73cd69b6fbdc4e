package yodel

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// An entrance is what calls come in by: a protocol, or the connections of this process. Its methods are as those of an
// [rpc.ProtocolServer].
type entrance interface {
	Shutdown(ctx context.Context) error
	Close() error
	Running() []*rpc.Method
}

func (s *Server) entrances() []entrance {
	all := []entrance{s.local}
	for _, p := range s.servers {
		all = append(all, p)
	}
	return all
}

// Shutdown stops accepting, lets the calls that run finish, and ends all connections. When ctx ends first it cuts them,
// and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.err != nil {
		return nil
	}
	defer s.end()
	s.stopAccepting(false)
	err := await(ctx, &s.arriving)
	if err != nil {
		s.cutAll() // those that TLS, or what tells protocols apart, still has: no protocol will have them
	}
	err = cmp.Or(err, s.endAll(ctx, func(e entrance) error {
		return e.Shutdown(ctx)
	}), await(ctx, &s.serving))
	if err != nil {
		s.cutAll()
	}
	return err
}

// Close ends all connections at once, and with them the contexts of the handlers that run. For these it waits a second.
// Where some do not heed the end of their contexts it returns an error that names their methods; they and their
// connections' goroutines end when the handlers return.
func (s *Server) Close() error {
	if s.err != nil {
		return nil
	}
	defer s.end()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	s.stopAccepting(true)
	closed := make(chan error, 1)
	go func() { // ends with the last handler
		s.arriving.Wait()
		err := s.endAll(context.Background(), entrance.Close)
		s.cutAll()
		closed <- cmp.Or(err, await(context.Background(), &s.serving))
	}()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return s.leftBehind()
	}
}

// leftBehind returns an error that says which handlers run on.
func (s *Server) leftBehind() error {
	count := make(map[string]int)
	for _, e := range s.entrances() {
		for _, m := range e.Running() {
			count[m.FullName()]++
		}
	}
	if len(count) == 0 {
		return fmt.Errorf("the server's connections have not ended within %v", closeTime)
	}
	var names []string
	for name, n := range count {
		names = append(names, fmt.Sprintf("%s (%d)", name, n))
	}
	slices.Sort(names)
	return fmt.Errorf("handlers run on that do not heed the end of their contexts: %s", strings.Join(names, ", "))
}

// stopAccepting closes the listeners, at once or after they were looked at again. Connections that no protocol has yet
// are hurried, or cut.
func (s *Server) stopAccepting(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
	if s.stopped.IsZero() {
		s.stopped = time.Now()
	}
	s.closed = s.closed || cut
	for l := range s.listeners {
		ln := *l
		if d, ok := ln.(deadliner); !ok || cut || s.options.Mode == Serial || d.SetDeadline(time.Unix(1, 0)) != nil {
			ln.Close()
		}
	}
	for nc, sniffed := range s.conns {
		switch {
		case sniffed && cut:
			nc.Close()
		case sniffed:
			nc.SetReadDeadline(time.Now().Add(firstByteGrace))
		}
	}
}

// cutAll closes the connections that are left, such as one that a protocol got after its Shutdown.
func (s *Server) cutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for nc := range s.conns {
		nc.Close()
	}
}

// endAll calls end for all entrances at once, and returns one of their errors.
func (s *Server) endAll(ctx context.Context, end func(entrance) error) error {
	all := s.entrances()
	errs := make(chan error, len(all)) // a protocol that does not heed ctx has room for its error
	for _, e := range all {
		go func() {
			var err error
			exited := func(e *rpc.Error) { errs <- e }
			err = rpc.Guard{Log: s.log, Local: true}.Run("what ends a protocol", func() error { return end(e) }, exited)
			errs <- err
		}()
	}
	late := overdue(ctx)
	var first error
	for range all {
		select {
		case err := <-errs:
			first = cmp.Or(first, err)
		case <-late:
			return cmp.Or(first, ctx.Err())
		}
	}
	return first
}

// overdue returns a channel that is closed closeTime after the end of ctx: as long does a protocol have to cut what
// runs.
func overdue(ctx context.Context) <-chan struct{} {
	c := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(closeTime, func() { close(c) }) })
	return c
}

// await waits until all that wg counts has ended. Where that ignores the end of its context, it is never, and a
// goroutine stays behind with it.
func await(ctx context.Context, wg *sync.WaitGroup) error {
	ended := make(chan struct{})
	go func() {
		wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
