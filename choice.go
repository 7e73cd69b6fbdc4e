package yodel

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/rpc"
)

// A choice is one call through a channel that chooses a link for each attempt.
type choice struct {
	ch     *Channel
	call   *rpc.Call
	bound  context.Context // of the waits
	expiry time.Time
	worst  rpc.Outcome // of the attempts so far
	failed *member     // of the last attempt; nil before the first

	// Since an attempt last got a connection: how many got none, and of which servers.
	lost        int
	unreachable []string
}

// sendToOne is send where there is a choice.
func (ch *Channel) sendToOne(ctx context.Context, call *rpc.Call) error {
	c := choice{ch: ch, call: call, worst: rpc.OutcomeNotStarted}
	c.bound, c.expiry = call.Bound(ctx)
	for {
		r, err := ch.servers.roster(c.bound, call.Method, c.expiry, ch.patient)
		if err != nil {
			return withOutcome(ofChannel(err, call.Method), c.worst)
		}
		i, err := c.pick(r)
		if err != nil {
			return withOutcome(err, c.worst)
		}
		m := r.members[i]
		if !m.begin() { // its server has left, so that there is another roster
			c.learn(r, i, balance.Report{Err: errServerLeft})
			continue
		}
		err, again := c.attempt(ctx, r, i)
		if !again {
			return err
		}
		c.failed = m
	}
}

// pick asks the balancer.
func (c *choice) pick(r *roster) (int, error) {
	var failed balance.Link // nil, and not a nil member, before the first attempt
	if c.failed != nil {
		failed = c.failed
	}
	i, err := c.ask(r.picker, failed)
	switch {
	case err != nil:
		return 0, err
	case i < 0:
		return 0, rpc.Errorf(rpc.Unavailable, "the balancer picks none of %d connections", len(r.members)).
			For(c.call.Method, rpc.OutcomeNotStarted)
	case i >= len(r.members):
		return 0, rpc.Errorf(rpc.Internal, "the balancer picks link %d of %d; the first is 0", i, len(r.members)).
			For(c.call.Method, rpc.OutcomeNotStarted)
	}
	return i, nil
}

// ask returns what the picker picks. Where it panics no attempt has been made.
func (c *choice) ask(p balance.Picker, failed balance.Link) (i int, err error) {
	returned := false
	defer func() {
		if !returned {
			guard := rpc.Guard{Log: c.ch.log, Method: c.call.Method, Local: true}
			err = guard.Caught("the balancer", recover(), nil).For(c.call.Method, rpc.OutcomeNotStarted)
		}
	}()
	i = p.Pick(c.call, failed)
	returned = true
	return i, nil
}

// What a balancer learns of attempts that had no end of their own.
var (
	errServerLeft = errors.New("the server has left before the attempt began")
	errAttemptCut = errors.New("the caller's code panicked, or ended its goroutine, in the attempt")
)

// learn tells the balancer how the attempt went for which it picked link i.
func (c *choice) learn(r *roster, i int, report balance.Report) {
	if r.learner != nil {
		r.learner.Done(c.call, i, report)
	}
}

// attempt makes one attempt over r.members[i], which begin has counted, and reports whether another one is to follow.
func (c *choice) attempt(ctx context.Context, r *roster, i int) (err error, again bool) {
	m, ended := r.members[i], false
	defer func() {
		if !ended { // the call's context, or what uses its stream, has ended the goroutine or panics
			m.end()
			c.learn(r, i, balance.Report{Err: errAttemptCut})
		}
	}()
	var began time.Time
	if r.learner != nil {
		began = time.Now()
	}
	conn, err := c.connect(m)
	if err == nil {
		c.lost, c.unreachable = 0, nil
		err, again = c.ch.attempt(ctx, c.call, conn, &c.worst)
	}
	ended = true
	m.end()
	if r.learner != nil {
		c.learn(r, i, balance.Report{Err: err, Latency: time.Since(began)})
	}
	if conn == nil {
		return withOutcome(ofChannel(err, c.call.Method), c.worst), c.connectsElsewhere(r, m, err)
	}
	return err, again
}

// connect returns the connection of m. Where there may be another server to try, one attempt is all that a call waits
// for.
func (c *choice) connect(m *member) (*link.Conn, error) {
	if c.ch.patient && c.ch.servers.resolver != nil {
		return m.link.Attempt(c.bound, c.call.Method, c.expiry)
	}
	return m.link.Conn(c.bound, c.call.Method, c.expiry)
}

// connectsElsewhere reports whether a call goes on that got no connection from m: its server has left, or there is
// another one that it has not tried, or it waits for ready and the next attempt may succeed. A balancer that picks the
// same links over and over is asked twice for each that there is.
func (c *choice) connectsElsewhere(r *roster, m *member, err error) bool {
	if errors.Is(err, link.ErrClosed) {
		return c.ch.servers.ctx.Err() == nil
	}
	if _, ended := errors.AsType[*rpc.ContextError](err); ended {
		return false
	}
	c.lost++
	if address := m.Server().Address; !slices.Contains(c.unreachable, address) {
		c.unreachable = append(c.unreachable, address)
	}
	return len(c.unreachable) < r.servers && c.lost < 2*len(r.members) ||
		c.ch.patient && c.ch.servers.resolver != nil && !link.Permanent(err)
}
