package yodel

import (
	"context"
	"errors"
	"time"

	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/resolve"
	"github.com/yodelrpc/yodel/rpc"
)

// A Channel carries calls to a target: one server, or several that a resolver knows. It connects when a call needs it,
// and again after a connection broke. Generated clients take one; any number of clients and goroutines share it. Its
// goroutines are those of its links and of the resolver; Close ends them.
//
// A call that did not start because its connection broke is sent again over another one, and so is one that may have
// run if its method is declared @idempotent: within its deadline, and as long as such retries stay below about a tenth
// of all calls.
type Channel struct {
	call    rpc.CallFunc // the interceptors, then send
	target  string       // as Dial takes it, for errors
	timeout time.Duration
	patient bool
	log     *rpc.Log
	budget  budget

	only    *link.Link // of a channel that has nothing to choose; else nil
	servers *servers   // of one that has; else nil
}

var _ rpc.Channel = (*Channel)(nil)

var errClosed = errors.New("the channel is closed")

// newChannel returns a channel whose links connect as connect says, each to the server of an address, which is empty
// for the target itself.
func newChannel(o DialOptions, log *rpc.Log, connect func(address string) (connector, error)) (*Channel, error) {
	ch := &Channel{timeout: o.Timeout, patient: o.WaitForReady, log: log}
	ch.call = rpc.Chain(o.Interceptors, ch.send)
	newLink := func(address string) (*link.Link, error) {
		c, err := connect(address)
		if err != nil {
			return nil, err
		}
		return link.New(link.Options{Connect: c, Backoff: o.Backoff, WaitForReady: o.WaitForReady, Log: log}), nil
	}
	if o.Resolver == nil && o.Balancer == nil && o.Conns <= 1 {
		l, err := newLink("")
		ch.only = l
		return ch, err
	}
	ch.servers = newServers(&servers{
		resolver: o.Resolver, balancer: o.Balancer, newLink: newLink, conns: max(o.Conns, 1),
		backoff: o.Backoff.WithDefaults(), log: log,
	})
	if ch.servers.balancer == nil {
		ch.servers.balancer = balance.RoundRobin{}
	}
	if o.Resolver == nil {
		ch.servers.update([]resolve.Server{{}})
	}
	return ch, nil
}

// Call makes one call, unary or with a stream; generated clients call it. See [rpc.Channel] for the errors.
func (ch *Channel) Call(ctx context.Context, c *rpc.Call) (err error) {
	if t := ch.timeoutOf(c); t > 0 && c.Deadline.IsZero() {
		if _, ok := ctx.Deadline(); !ok {
			c.Deadline = time.Now().Add(t)
		}
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover()
		if p != nil || !c.Begun() {
			// else the caller's loop over a stream ends its goroutine, which concerns nobody here
			guard := rpc.Guard{Log: ch.log, Method: c.Method, Local: true}
			err = guard.Caught("an interceptor, the balancer or the context of the call", p, nil).For(c.Method,
				rpc.OutcomeUnknown)
		}
	}()
	err = ch.call(ctx, c)
	returned = true
	return err
}

func (ch *Channel) timeoutOf(c *rpc.Call) time.Duration {
	if c.Method.Timeout > 0 || c.Body != nil { // a stream may be meant to last
		return c.Method.Timeout
	}
	return ch.timeout
}

// send carries c over a connection, and over another one where that is safe.
func (ch *Channel) send(ctx context.Context, c *rpc.Call) error {
	ch.budget.earn()
	if ch.only == nil {
		return ch.sendToOne(ctx, c)
	}
	worst := rpc.OutcomeNotStarted // of the attempts so far
	bound, expiry := c.Bound(ctx)
	for {
		conn, err := ch.only.Conn(bound, c.Method, expiry)
		if err != nil {
			return withOutcome(ofChannel(err, c.Method), worst)
		}
		err, again := ch.attempt(ctx, c, conn, &worst)
		if !again {
			return err
		}
	}
}

// attempt carries c over conn, and reports whether it may be sent again: then c is as before, and worst says what may
// have become of it so far. Otherwise err is the call's.
func (ch *Channel) attempt(ctx context.Context, c *rpc.Call, conn *link.Conn, worst *rpc.Outcome) (err error,
	again bool) {
	c.Attempt++
	c.Peer = conn.Peer()
	if err := c.RefusePlaintext(c.Peer); err != nil {
		return withOutcome(err, *worst), false
	}
	err = conn.Call(ctx, c)
	conn.Learn(err)
	switch {
	case err == nil:
		return nil, false
	case c.Begun() || !ch.mayResend(conn, c.Method, err):
		return withOutcome(err, *worst), false
	}
	*worst = min(*worst, outcome(err))
	if c.Result != nil {
		c.Result.Reset()
	}
	return err, true
}

// ofChannel returns the error of a link, which was closed with the channel if it was.
func ofChannel(err error, m *rpc.Method) error {
	if errors.Is(err, link.ErrClosed) {
		return rpc.Errorf(rpc.FailedPrecondition, "%w", errClosed).For(m, rpc.OutcomeNotStarted)
	}
	return err
}

// mayResend reports whether a call that failed may be sent again: its connection broke, and it did not run or may run
// twice.
func (ch *Channel) mayResend(conn *link.Conn, m *rpc.Method, err error) bool {
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok {
		return false
	}
	switch {
	case e.Outcome == rpc.OutcomeAnswered, e.Outcome == rpc.OutcomeUnknown && !m.Idempotent:
		return false
	}
	return conn.Broken() && !link.Permanent(conn.Err()) && ch.budget.spend()
}

// outcome returns what err, which a connection returned, says of the call.
func outcome(err error) rpc.Outcome {
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		return e.Outcome
	}
	if e, ok := errors.AsType[*rpc.ContextError](err); ok {
		return e.Outcome
	}
	return rpc.OutcomeAnswered
}

// withOutcome returns err, which says of the last attempt that it did not start, with the outcome of those before it.
func withOutcome(err error, worst rpc.Outcome) error {
	if worst == rpc.OutcomeNotStarted || outcome(err) != rpc.OutcomeNotStarted {
		return err
	}
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		e := *e
		e.Outcome = worst
		return &e
	}
	e, _ := errors.AsType[*rpc.ContextError](err)
	return &rpc.ContextError{Method: e.Method, Outcome: worst, Err: e.Err, Cause: e.Cause}
}

// Close ends every call of the channel, closes its connections and waits for its goroutines, and for the loops over
// streams, which are inside calls: in one of them it would wait for itself. Calls made later fail.
func (ch *Channel) Close() error {
	if ch.only != nil {
		return ch.only.Close()
	}
	ch.servers.close()
	return nil
}
