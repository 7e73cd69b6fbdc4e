package link

import (
	"errors"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

func (l *Link) attemptLocked() *attempt {
	if l.attempt == nil {
		a := &attempt{done: make(chan struct{})}
		wait := time.Until(l.earliest)
		l.attempt = a
		l.wg.Go(func() { l.run(a, wait) })
	}
	return l.attempt
}

// run makes the attempt a, after a wait.
func (l *Link) run(a *attempt, wait time.Duration) {
	conn, done, err := l.connect(wait)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer close(a.done)
	l.attempt = nil
	switch {
	case l.retired:
		a.err = ErrClosed
		if err == nil {
			l.wg.Go(func() { conn.Close() })
		}
	case err != nil:
		a.err = err
		l.failedLocked(err)
	default:
		a.conn = &Conn{conn: conn, done: done}
		l.live.Store(a.conn)
	}
}

func (l *Link) connect(wait time.Duration) (rpc.Conn, <-chan struct{}, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-l.ctx.Done():
		return nil, nil, ErrClosed
	case <-timer.C:
		return l.connectApart()
	}
}

// connectApart connects on a goroutine that the program's code, such as its dialer, may end.
func (l *Link) connectApart() (conn rpc.Conn, done <-chan struct{}, err error) {
	err = errors.New("what connects ended its goroutine")
	rpc.Apart(func() {
		err = rpc.Guard{Log: l.options.Log, Local: true}.Run("what connects", func() (err error) {
			if conn, err = l.options.Connect(l.ctx); err == nil && conn == nil {
				err = errors.New("what connects has returned neither a connection nor an error")
			}
			if err == nil {
				done = conn.Done()
			}
			return err
		}, nil)
	})
	return conn, done, err
}

// failedLocked puts the next attempt off.
func (l *Link) failedLocked(cause error) {
	l.cause = cause
	l.failures++
	wait := l.options.Backoff.Delay(l.failures)
	l.earliest = time.Now().Add(wait)
	args := []any{"cause", cause, "failures", l.failures, "next_attempt_in", wait}
	l.wg.Go(func() { l.options.Log.Warn("no connection", args...) }) // without the lock, for a logger may make calls
}
