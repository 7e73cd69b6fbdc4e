package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// redialEvery is how long a link waits after a failed attempt to connect.
const redialEvery = 100 * time.Millisecond

// links are a fixed number of connections among which callers are shared out. One that broke is made again. No call is
// sent twice: what is measured is the calls that were made.
type links struct {
	dial    func(context.Context, rpc.ConnOptions) (rpc.Conn, error)
	options rpc.ConnOptions
	timeout time.Duration
	method  *rpc.Method
	args    rpc.Message // with result, for mux alone; what calls share must not change
	result  rpc.Message

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	all    []*link
}

// A link is the place of one connection.
type link struct {
	*links
	live atomic.Pointer[rpc.Conn]

	mu      sync.Mutex
	err     error          // of the last attempt to connect
	again   time.Time      // no further attempt before this
	retired sync.WaitGroup // connections that take no more calls, on which some may still be under way
}

func (l *links) open(n int) {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for range n {
		l.all = append(l.all, &link{links: l})
	}
}

func (l *links) connect(ctx context.Context) error {
	defer context.AfterFunc(ctx, l.cancel)()
	for _, one := range l.all {
		if _, err := one.conn(); err != nil {
			return err
		}
	}
	return nil
}

func (l *links) call(ctx context.Context, caller int, deadline time.Time) error {
	conn, err := l.all[caller%len(l.all)].conn()
	if err != nil {
		return rpc.Errorf(rpc.Unavailable, "%w", err).For(l.method, rpc.OutcomeNotStarted)
	}
	return conn.Call(ctx, &rpc.Call{Method: l.method, Args: l.args, Result: l.result, Deadline: deadline})
}

func (l *links) close() {
	l.cancel()
	for _, one := range l.all {
		one.close()
	}
}

// conn returns the link's connection, and makes it if there is none.
func (l *link) conn() (rpc.Conn, error) {
	if conn := l.live.Load(); conn != nil && !ended(*conn) {
		return *conn, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.live.Load(); old != nil {
		if !ended(*old) {
			return *old, nil
		}
		l.live.Store(nil)
		l.retired.Go(func() { l.retire(*old) })
	}
	return l.connectLocked()
}

// connectLocked makes the connection. In the time after a failed attempt it fails with the error of that one.
func (l *link) connectLocked() (rpc.Conn, error) {
	if wait := time.Until(l.again); wait > 0 {
		l.mu.Unlock()
		pause(l.ctx, wait)
		l.mu.Lock()
		return nil, l.err
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	conn, err := l.dial(ctx, l.options)
	if err != nil {
		l.err, l.again = err, time.Now().Add(redialEvery)
		return nil, err
	}
	l.live.Store(&conn)
	return conn, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// retire closes a connection that takes no more calls, when those that run on it have ended or the run is over.
func (l *link) retire(conn rpc.Conn) {
	if e, ok := conn.(interface{ Ended() <-chan struct{} }); ok {
		select {
		case <-e.Ended():
		case <-l.ctx.Done():
		}
	}
	conn.Close()
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again, l.err = time.Now().Add(time.Hour), errors.New("the run is over")
	if conn := l.live.Swap(nil); conn != nil {
		(*conn).Close()
	}
	l.retired.Wait()
}

func ended(conn rpc.Conn) bool {
	select {
	case <-conn.Done():
		return true
	default:
		return false
	}
}
