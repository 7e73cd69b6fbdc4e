package yodel

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A session is a connection that a link has, or had.
type session struct {
	rpc.Conn
	done   <-chan struct{} // the connection's
	useful atomic.Bool     // it has answered a call
}

func (s *session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// answered notes that the connection works, at the price of a load.
func (s *session) answered() {
	if !s.useful.Load() {
		s.useful.Store(true)
	}
}

// retire closes a connection that takes no more calls, when those that run on it have ended or the channel is closed.
func (ch *Channel) retire(s *session) {
	select {
	case <-s.Ended():
	case <-ch.ctx.Done():
	}
	s.Close()
}

// A link is the place of one connection of a channel: empty until a call needs it, and filled again after it broke.
type link struct {
	ch   *Channel
	live atomic.Pointer[session] // nil while there is none

	mu       sync.Mutex
	closed   bool
	attempt  *attempt  // under way, or waiting for its time; nil for none
	failures int       // in a row; a connection that answered no call is one
	earliest time.Time // when the next attempt may begin
	cause    error     // of the last failure
}

// An attempt is one try to connect, that any number of calls wait for. The fields below done are set before it is
// closed.
type attempt struct {
	done    chan struct{}
	session *session
	err     error
}

var errClosed = errors.New("the channel is closed")

// alive reports whether the link has a connection that takes calls.
func (l *link) alive() bool {
	s := l.live.Load()
	return s != nil && !s.ended()
}

// session returns the link's connection, and connects if there is none. A call of m, which ends at expiry unless that
// is zero, waits for one attempt, or for as many as it takes if the channel is patient.
func (l *link) session(ctx context.Context, m *rpc.Method, expiry time.Time) (*session, error) {
	if s := l.live.Load(); s != nil && !s.ended() {
		return s, nil
	}
	return l.wait(ctx, m, expiry)
}

func (l *link) wait(ctx context.Context, m *rpc.Method, expiry time.Time) (*session, error) {
	var expired <-chan time.Time // never, if there is no expiry
	if !expiry.IsZero() {
		timer := time.NewTimer(time.Until(expiry))
		defer timer.Stop()
		expired = timer.C
	}
	for {
		a, err := l.join(m, expiry)
		if err != nil {
			return nil, err
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			return nil, rpc.NewContextError(m, rpc.OutcomeNotStarted, ctx.Err(), l.lastCause())
		case <-expired:
			return nil, rpc.NewContextError(m, rpc.OutcomeNotStarted, context.DeadlineExceeded, l.lastCause())
		}
		if a.err == nil {
			return a.session, nil
		}
		if !l.ch.patient || errors.Is(a.err, errClosed) || endsAlike(a.err) {
			return nil, unavailable(m, a.err)
		}
	}
}

// endsAlike reports whether err, which ended a connection or an attempt at one, is bound to end the next one, too: TLS has
// failed, or the server has refused the connection as such.
func endsAlike(err error) bool {
	var e interface{ Permanent() bool }
	return errors.As(err, &e) && e.Permanent()
}

func unavailable(m *rpc.Method, cause error) *rpc.Error {
	if errors.Is(cause, errClosed) {
		return rpc.Errorf(rpc.FailedPrecondition, "%w", cause).For(m, rpc.OutcomeNotStarted)
	}
	if e, ok := cause.(*rpc.Error); ok && e.Code == rpc.Unavailable { // of a connection: its text begins with the code
		return e.For(m, rpc.OutcomeNotStarted)
	}
	return rpc.Errorf(rpc.Unavailable, "%w", cause).For(m, rpc.OutcomeNotStarted)
}

// lastCause returns why the link has no connection.
func (l *link) lastCause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		return errors.New("still connecting")
	}
	return l.cause
}

// join returns the attempt that the link is at, and begins one if there is none. It fails where the link is closed, and
// where no attempt can begin before expiry.
func (l *link) join(m *rpc.Method, expiry time.Time) (*attempt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropEndedLocked()
	if l.closed {
		return nil, unavailable(m, errClosed)
	}
	if s := l.live.Load(); s != nil {
		return &attempt{done: closedChan, session: s}, nil
	}
	if !l.ch.patient && !expiry.IsZero() && expiry.Before(l.earliest) {
		return nil, unavailable(m, l.cause)
	}
	return l.attemptLocked(), nil
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// wake begins an attempt in the background, if the link needs one.
func (l *link) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropEndedLocked()
	if !l.closed && l.live.Load() == nil {
		l.attemptLocked()
	}
}

func (l *link) attemptLocked() *attempt {
	if l.attempt == nil {
		a := &attempt{done: make(chan struct{})}
		wait := time.Until(l.earliest)
		l.attempt = a
		l.ch.wg.Go(func() { l.run(a, wait) })
	}
	return l.attempt
}

// run makes the attempt a, after a wait.
func (l *link) run(a *attempt, wait time.Duration) {
	conn, err := l.connect(wait)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(a.done)
	l.attempt = nil
	switch {
	case l.closed:
		a.err = errClosed
		if err == nil {
			l.ch.wg.Go(func() { conn.Close() })
		}
	case err != nil:
		a.err = err
		l.failedLocked(err)
	default:
		a.session = &session{Conn: conn, done: conn.Done()}
		l.live.Store(a.session)
	}
}

func (l *link) connect(wait time.Duration) (rpc.Conn, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-l.ch.ctx.Done():
		return nil, errClosed
	case <-timer.C:
		return l.connectApart()
	}
}

// connectApart connects on a goroutine that the program's code, such as DialOptions.Dialer, may end.
func (l *link) connectApart() (conn rpc.Conn, err error) {
	err = errors.New("what connects ended its goroutine")
	rpc.Apart(func() {
		err = rpc.Guard{Log: l.ch.log, Local: true}.Run("what connects", func() (err error) {
			conn, err = l.ch.connect(l.ch.ctx)
			return err
		}, nil)
	})
	return conn, err
}

// failedLocked puts the next attempt off.
func (l *link) failedLocked(cause error) {
	l.cause = cause
	l.failures++
	wait := l.ch.backoff.delay(l.failures)
	l.earliest = time.Now().Add(wait)
	args := []any{"cause", cause, "failures", l.failures, "next_attempt_in", wait}
	l.ch.wg.Go(func() { l.ch.log.Warn("no connection", args...) }) // without the lock, for a logger may make calls
}

// dropEndedLocked lets go of a connection that has ended. After one that answered calls the next attempt begins at
// once.
func (l *link) dropEndedLocked() {
	s := l.live.Load()
	if s == nil || !s.ended() {
		return
	}
	l.live.Store(nil)
	if s.useful.Load() {
		l.failures, l.earliest, l.cause = 0, time.Time{}, s.Err()
	} else {
		l.failedLocked(s.Err())
	}
	l.ch.wg.Go(func() { l.ch.retire(s) })
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	s := l.live.Swap(nil)
	l.mu.Unlock()
	if s != nil {
		s.Close()
	}
}
