// Package link keeps a connection to one server: it makes one when a call needs it, again after it broke, and waits
// between tries. It knows no channel, so that whoever wants one connection and nothing around it has a [Link] alone:
//
//	l := link.New(link.Options{Connect: connect})
//	defer l.Close()
//	calc := divide.NewClient(l)
//
// A channel makes one for each connection that it spreads its calls over, and adds interceptors, retries, and the
// choice between links.
package link

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// Options are what a link is made of. All but Connect may be left out.
type Options struct {
	// Connect makes one connection, and gives up when ctx ends. It is called by one goroutine at a time. An error with
	// a method Permanent that returns true ends the wait of calls that wait for ready.
	Connect func(ctx context.Context) (rpc.Conn, error)

	// Backoff is the wait between attempts to connect.
	Backoff Backoff

	// WaitForReady lets calls wait through failed attempts until their deadline. Otherwise a call waits for one
	// attempt, and fails with it.
	WaitForReady bool

	// Log gets a line for each attempt that failed; nil for none.
	Log *rpc.Log
}

// A Link is the place of one connection to one server: empty until a call needs it, and filled again after it broke.
// All methods may be called by many goroutines at once. Its goroutines are one for an attempt to connect, one for each
// connection that goes, and those of the connections; Close ends them and waits for them.
type Link struct {
	options Options
	live    atomic.Pointer[Conn] // nil while there is none; written with mu held

	ctx    context.Context // of attempts to connect; ends with Retire
	cancel context.CancelFunc
	closed chan struct{}  // by Close
	wg     sync.WaitGroup // attempts to connect, and connections that are being closed

	mu       sync.Mutex
	retired  bool
	ending   bool      // closed is closed
	attempt  *attempt  // under way, or waiting for its time; nil for none
	failures int       // in a row; a connection that answered no call is one
	earliest time.Time // when the next attempt may begin
	cause    error     // of the last failure
}

var _ rpc.Channel = (*Link)(nil)

// An attempt is one try to connect, that any number of calls wait for. The fields below done are set before it is
// closed.
type attempt struct {
	done chan struct{}
	conn *Conn
	err  error
}

// ErrClosed is within the errors of a link that was closed or retired.
var ErrClosed = errors.New("the link is closed")

// New returns a link, which has no connection yet.
func New(o Options) *Link {
	o.Backoff = o.Backoff.WithDefaults()
	l := &Link{options: o, closed: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Call makes one call over the link's connection, once; see [rpc.Channel] for the errors.
func (l *Link) Call(ctx context.Context, c *rpc.Call) error {
	bound, expiry := c.Bound(ctx)
	conn, err := l.Conn(bound, c.Method, expiry)
	if err != nil {
		return err
	}
	c.Attempt++
	c.Peer = conn.Peer()
	if err := c.RefusePlaintext(c.Peer); err != nil {
		return err
	}
	err = conn.Call(ctx, c)
	conn.Learn(err)
	return err
}

// Ready reports whether the link has a connection that takes calls.
func (l *Link) Ready() bool {
	c := l.live.Load()
	return c != nil && !c.Broken() && !c.retired.Load()
}

// Conn returns the link's connection, which stays the link's, and connects if there is none. The caller, a call of m,
// which ends at expiry unless that is zero, waits for one attempt, or for as many as it takes if calls wait for ready.
// m is nil where no call is concerned; the errors are those of a call that did not start.
func (l *Link) Conn(ctx context.Context, m *rpc.Method, expiry time.Time) (*Conn, error) {
	if c := l.live.Load(); c != nil && !c.Broken() && !c.retired.Load() {
		return c, nil
	}
	for {
		c, err, again := l.wait(ctx, m, expiry, l.options.WaitForReady)
		if err == nil || !again || !l.options.WaitForReady {
			return c, err
		}
	}
}

// Attempt is Conn for a caller that waits through the pause before an attempt, also one that ends with expiry, but not
// for more than one attempt, whatever the link's options say: there may be another link to try.
func (l *Link) Attempt(ctx context.Context, m *rpc.Method, expiry time.Time) (*Conn, error) {
	if c := l.live.Load(); c != nil && !c.Broken() && !c.retired.Load() {
		return c, nil
	}
	c, err, _ := l.wait(ctx, m, expiry, true)
	return c, err
}

// wait waits for one attempt; again reports whether a further one may succeed.
func (l *Link) wait(ctx context.Context, m *rpc.Method, expiry time.Time, patient bool) (_ *Conn, err error,
	again bool) {
	a, err := l.join(m, expiry, patient)
	if err != nil {
		return nil, err, false
	}
	var expired <-chan time.Time // never, if there is no expiry
	if !expiry.IsZero() {
		timer := time.NewTimer(time.Until(expiry))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, contextError(m, ctx.Err(), l.lastCause()), false
	case <-expired:
		return nil, contextError(m, context.DeadlineExceeded, l.lastCause()), false
	}
	if a.err != nil {
		return nil, Unavailable(m, a.err), !errors.Is(a.err, ErrClosed) && !Permanent(a.err)
	}
	return a.conn, nil, false
}

// lastCause returns why the link has no connection.
func (l *Link) lastCause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		return errors.New("still connecting")
	}
	return l.cause
}

// join returns the attempt that the link is at, and begins one if there is none. It fails where the link is closed, and
// where no attempt can begin before expiry, unless the caller is patient.
func (l *Link) join(m *rpc.Method, expiry time.Time, patient bool) (*attempt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropBrokenLocked()
	if l.retired {
		return nil, Unavailable(m, ErrClosed)
	}
	if c := l.live.Load(); c != nil {
		return &attempt{done: closedChan, conn: c}, nil
	}
	if !patient && !expiry.IsZero() && expiry.Before(l.earliest) {
		return nil, Unavailable(m, l.cause)
	}
	return l.attemptLocked(), nil
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Wake begins an attempt in the background, if the link needs one.
func (l *Link) Wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropBrokenLocked()
	if !l.retired && l.live.Load() == nil {
		l.attemptLocked()
	}
}

// dropBrokenLocked lets go of a connection that takes no more calls. After one that answered calls the next attempt
// begins at once.
func (l *Link) dropBrokenLocked() {
	c := l.live.Load()
	if c == nil || !c.Broken() || l.ending {
		return
	}
	l.live.Store(nil)
	if c.useful.Load() {
		l.failures, l.earliest, l.cause = 0, time.Time{}, c.Err()
	} else {
		l.failedLocked(c.Err())
	}
	l.wg.Go(func() { l.release(c) })
}

// release closes a connection that takes no more calls, when those that run on it have ended or the link is closed.
func (l *Link) release(c *Conn) {
	select {
	case <-c.conn.Ended():
	case <-l.closed:
	}
	c.conn.Close()
}

// Retire makes the link take no more callers: those that wait for a connection fail with [ErrClosed]. Calls go on that
// run on the connection, which stays until Close.
func (l *Link) Retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired = true
	if c := l.live.Load(); c != nil {
		c.retired.Store(true)
	}
	l.cancel()
}

// Close ends the link, its connections and every call on them, and waits for its goroutines. It may be called more than
// once.
func (l *Link) Close() error {
	l.Retire()
	l.mu.Lock()
	if !l.ending {
		l.ending = true
		close(l.closed)
	}
	c := l.live.Swap(nil)
	l.mu.Unlock()
	if c != nil {
		c.conn.Close()
	}
	l.wg.Wait()
	return nil
}
