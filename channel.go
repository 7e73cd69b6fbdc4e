package yodel

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A Channel carries calls to one server. It connects when a call needs it, and again after a connection broke.
// Generated clients take one; any number of clients and goroutines share it. Its goroutines are one for each attempt to
// connect, one for each connection that goes, and those of the connections; Close ends them.
//
// A call that did not start because its connection broke is sent again over the next one, and so is one that may have
// run if its method is declared @idempotent: within its deadline, and as long as such retries stay below about a tenth
// of all calls.
type Channel struct {
	call    rpc.CallFunc // the interceptors, then send
	connect connector
	target  string // as Dial takes it, for errors
	timeout time.Duration
	patient bool
	backoff Backoff
	log     *rpc.Log
	links   []*link
	next    atomic.Uint32 // spreads calls over the links
	budget  budget

	ctx    context.Context // of attempts to connect; ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // attempts to connect, and connections that are being closed
}

var _ rpc.Channel = (*Channel)(nil)

func newChannel(o DialOptions, log *rpc.Log, connect connector) *Channel {
	ch := &Channel{
		connect: connect,
		timeout: o.Timeout,
		patient: o.WaitForReady,
		backoff: o.Backoff.withDefaults(),
		log:     log,
	}
	ch.ctx, ch.cancel = context.WithCancel(context.Background())
	for range max(o.Conns, 1) {
		ch.links = append(ch.links, &link{ch: ch})
	}
	ch.call = rpc.Chain(o.Interceptors, ch.send)
	return ch
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
		if p != nil || !c.Begun() { // else the caller's loop over a stream ends its goroutine, which concerns nobody here
			guard := rpc.Guard{Log: ch.log, Method: c.Method, Local: true}
			err = guard.Caught("an interceptor or the context of the call", p, nil).For(c.Method, rpc.OutcomeUnknown)
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
	worst := rpc.OutcomeNotStarted // of the attempts so far
	bound, expiry := c.Bound(ctx)
	for {
		s, err := ch.pick().session(bound, c.Method, expiry)
		if err != nil {
			return withOutcome(err, worst)
		}
		c.Attempt++
		c.Peer = s.Peer()
		if err = s.Call(ctx, c); err == nil {
			s.answered()
			return nil
		}
		if c.Begun() || !ch.mayResend(s, c.Method, err) {
			return withOutcome(err, worst)
		}
		worst = min(worst, outcome(err))
		if c.Result != nil {
			c.Result.Reset()
		}
	}
}

// mayResend reports whether a call that failed may be sent again: its connection broke, and it did not run or may run
// twice.
func (ch *Channel) mayResend(s *session, m *rpc.Method, err error) bool {
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok {
		return false
	}
	switch {
	case e.Outcome == rpc.OutcomeAnswered:
		s.answered()
		return false
	case e.Outcome == rpc.OutcomeUnknown && !m.Idempotent:
		return false
	}
	return s.ended() && !endsAlike(s.Err()) && ch.budget.spend()
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

// pick returns the next link in turn, but rather one that is connected than one that is not.
func (ch *Channel) pick() *link {
	if len(ch.links) == 1 {
		return ch.links[0]
	}
	first := int(ch.next.Add(1) % uint32(len(ch.links)))
	for i := range ch.links {
		if l := ch.links[(first+i)%len(ch.links)]; l.alive() {
			return l
		} else if i == 0 {
			l.wake()
		}
	}
	return ch.links[first]
}

// Close ends every call of the channel, closes its connections and waits for its goroutines. Calls made later fail.
func (ch *Channel) Close() error {
	ch.cancel()
	for _, l := range ch.links {
		l.close()
	}
	ch.wg.Wait()
	return nil
}
