package link

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/yodelrpc/yodel/rpc"
)

// A Conn is a connection that a link has, or had. The link alone closes it; whoever has it from [Link.Conn] makes
// calls, and says with Learn how they went.
type Conn struct {
	conn   rpc.Conn
	done   <-chan struct{} // the connection's
	useful atomic.Bool     // it has answered a call; written by whoever makes calls

	retired atomic.Bool // the link takes no more callers; written by Retire
}

// Call makes one call over the connection; see [rpc.Conn].
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error { return c.conn.Call(ctx, call) }

// Peer returns the server's end, nil where it is not known.
func (c *Conn) Peer() *rpc.Peer { return c.conn.Peer() }

// Err returns why the connection takes no more calls.
func (c *Conn) Err() error { return c.conn.Err() }

// Broken reports whether the connection takes no more calls.
func (c *Conn) Broken() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Learn notes how a call went, err being what Call returned: once the server has answered one, the link connects again
// without a pause after this connection. It costs a load.
func (c *Conn) Learn(err error) {
	if err != nil {
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeAnswered {
			return
		}
	}
	if !c.useful.Load() {
		c.useful.Store(true)
	}
}

// Permanent reports whether err, which ended a connection or an attempt at one, is bound to end the next one to the
// same server, too: TLS has failed, or the server has refused the connection as such.
func Permanent(err error) bool {
	var e interface{ Permanent() bool }
	return errors.As(err, &e) && e.Permanent()
}

// Unavailable returns the error of a call of m that did not start, for cause kept it from a connection. m is nil where
// no call is concerned.
func Unavailable(m *rpc.Method, cause error) *rpc.Error {
	code := rpc.Unavailable
	if errors.Is(cause, ErrClosed) {
		code = rpc.FailedPrecondition
	}
	e, ok := cause.(*rpc.Error)
	if !ok || e.Code != rpc.Unavailable { // else it is of a connection, and its text begins with the code
		e = rpc.Errorf(code, "%w", cause)
	}
	if m != nil {
		return e.For(m, rpc.OutcomeNotStarted)
	}
	c := *e
	c.Method, c.Outcome = "", rpc.OutcomeNotStarted
	return &c
}

// contextError returns the error of a call of m, nil where no call is concerned, that ended before it had a connection.
func contextError(m *rpc.Method, err, cause error) *rpc.ContextError {
	if m == nil {
		return &rpc.ContextError{Outcome: rpc.OutcomeNotStarted, Err: err, Cause: cause}
	}
	return rpc.NewContextError(m, rpc.OutcomeNotStarted, err, cause)
}

// Waited returns the error of a call of m that ended by its context or its deadline while it waited for what cause
// names.
func Waited(ctx context.Context, m *rpc.Method, cause error) *rpc.ContextError {
	err := ctx.Err()
	if err == nil {
		err = context.DeadlineExceeded
	}
	return contextError(m, err, cause)
}
