package link_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/rpc"
)

var method = &rpc.Method{Service: "test.Test", Name: "once"}

// A conn is a connection whose states the test sets.
type conn struct {
	done, ended chan struct{}
	close       sync.Once
	closed      chan struct{}
}

func newConn() *conn {
	return &conn{done: make(chan struct{}), ended: make(chan struct{}), closed: make(chan struct{})}
}

var _ rpc.Conn = (*conn)(nil)

func (c *conn) Call(context.Context, *rpc.Call) error { return nil }
func (c *conn) Done() <-chan struct{}                 { return c.done }
func (c *conn) Ended() <-chan struct{}                { return c.ended }
func (c *conn) Err() error                            { return errors.New("the server is going away") }
func (c *conn) Close() error                          { c.close.Do(func() { close(c.closed) }); return nil }
func (c *conn) Peer() *rpc.Peer                       { return &rpc.Peer{Protocol: "test"} }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// dialing returns a link that gets the connections of a list, one after another, and nil ones as refusals.
func dialing(o link.Options, conns ...*conn) *link.Link {
	o.Connect = func(context.Context) (rpc.Conn, error) {
		c := conns[0]
		if len(conns) > 1 {
			conns = conns[1:]
		}
		if c == nil {
			return nil, errors.New("connection refused")
		}
		return c, nil
	}
	return link.New(o)
}

func TestLinkCarriesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := dialing(link.Options{}, newConn())
		if l.Ready() {
			t.Error("a link is ready before it has connected")
		}
		c := &rpc.Call{Method: method}
		if err := l.Call(t.Context(), c); err != nil || c.Attempt != 1 || c.Peer == nil || !l.Ready() {
			t.Errorf("%v; attempt %d, peer %v", err, c.Attempt, c.Peer)
		}
		l.Close()
		err := l.Call(t.Context(), c)
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeNotStarted ||
			!errors.Is(err, link.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestConnectionDrainsBesideTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := newConn(), newConn()
		l := dialing(link.Options{}, old, next)
		first, err := l.Conn(t.Context(), method, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		first.Learn(nil)
		close(old.done)
		second, err := l.Conn(t.Context(), method, time.Time{})
		if err != nil || second == first || second.Broken() {
			t.Errorf("%v, %v; want the next connection", second, err)
		}
		synctest.Wait()
		if isClosed(old.closed) {
			t.Error("a connection was closed while a call may run on it")
		}
		close(old.ended)
		synctest.Wait()
		if !isClosed(old.closed) || isClosed(next.closed) {
			t.Error("want the connection closed that has ended, and only that")
		}
		l.Close()
	})
}

func TestCloseEndsConnectionsThatDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := newConn()
		l := dialing(link.Options{}, old, nil)
		l.Conn(t.Context(), method, time.Time{})
		close(old.done)
		l.Conn(t.Context(), method, time.Time{})
		l.Close()
		if !isClosed(old.closed) {
			t.Error("Close has left a connection")
		}
	})
}

func TestRetiredLinkKeepsItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConn()
		l := dialing(link.Options{}, c)
		l.Conn(t.Context(), nil, time.Time{})
		l.Retire()
		synctest.Wait()
		if isClosed(c.closed) {
			t.Error("Retire has closed the connection")
		}
		l.Close()
		if !isClosed(c.closed) {
			t.Error("Close has not")
		}

		waits := dialing(link.Options{WaitForReady: true, Backoff: link.Backoff{Base: time.Hour, Max: time.Hour}}, nil)
		ended := make(chan error)
		go func() {
			_, err := waits.Conn(t.Context(), method, time.Time{})
			ended <- err
		}()
		synctest.Wait()
		waits.Retire()
		if err := <-ended; !errors.Is(err, link.ErrClosed) {
			t.Errorf("one who waits gets %v", err)
		}
		waits.Close()
	})
}

// Attempt waits through the pause for one attempt, where Conn would fail at once or go on.
func TestAttemptIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := dialing(link.Options{WaitForReady: true, Backoff: link.Backoff{Base: time.Minute, Max: time.Minute}}, nil,
			nil, newConn())
		for i, ok := range []bool{false, false, true} {
			if c, err := l.Attempt(t.Context(), method, time.Time{}); (err == nil) != ok || (c != nil) != ok {
				t.Errorf("attempt %d: %v", i, err)
			}
		}
		l.Close()
	})
}

func TestNoCallHasNoMethodInItsError(t *testing.T) {
	l := dialing(link.Options{}, nil)
	defer l.Close()
	_, err := l.Conn(t.Context(), nil, time.Time{})
	if err == nil || err.Error() != "unavailable: connection refused" {
		t.Errorf("err = %v", err)
	}
}
