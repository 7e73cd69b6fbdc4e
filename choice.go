package yodel

import (
	"context"
	"errors"
	"time"

	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/rpc"
)

// A choice is the way of one call through a channel that chooses a link for each attempt.
type choice struct {
	ch     *Channel
	call   *rpc.Call
	bound  context.Context // of the waits
	expiry time.Time
	worst  rpc.Outcome // of the attempts so far
	failed *member     // of the last attempt; nil before the first
	lost   int         // attempts in a row that got no connection
}

// sendToOne is send where there is a choice.
func (ch *Channel) sendToOne(ctx context.Context, c *rpc.Call) error {
	way := choice{ch: ch, call: c, worst: rpc.OutcomeNotStarted}
	way.bound, way.expiry = c.Bound(ctx)
	for {
		r, err := ch.servers.roster(way.bound, c.Method, way.expiry, ch.patient)
		if err != nil {
			return withOutcome(ofChannel(err, c.Method), way.worst)
		}
		i, err := way.pick(r)
		if err != nil {
			return withOutcome(err, way.worst)
		}
		m := r.members[i]
		if !m.begin() { // its server has left, so that there is another roster
			way.learn(r, i, balance.Report{Err: errServerLeft})
			continue
		}
		err, again := way.attempt(ctx, r, i)
		if err == nil {
			return nil
		}
		if !again {
			return withOutcome(ofChannel(err, c.Method), way.worst)
		}
		way.failed = m
	}
}

// pick asks the balancer.
func (w *choice) pick(r *roster) (int, error) {
	var failed balance.Link // nil, and not a nil member, before the first attempt
	if w.failed != nil {
		failed = w.failed
	}
	i := r.picker.Pick(w.call, failed)
	switch {
	case i < 0:
		return 0, rpc.Errorf(rpc.Unavailable, "the balancer picks none of %d connections", len(r.members)).
			For(w.call.Method, rpc.OutcomeNotStarted)
	case i >= len(r.members):
		return 0, rpc.Errorf(rpc.Internal, "the balancer picks link %d of %d; the first is 0", i, len(r.members)).
			For(w.call.Method, rpc.OutcomeNotStarted)
	}
	return i, nil
}

// What a balancer learns of attempts that had no end of their own.
var (
	errServerLeft = errors.New("the server has left before the attempt began")
	errAttemptCut = errors.New("the caller's code panicked, or ended its goroutine, in the attempt")
)

// learn tells the balancer how the attempt went for which it picked link i.
func (w *choice) learn(r *roster, i int, report balance.Report) {
	if r.learner != nil {
		r.learner.Done(w.call, i, report)
	}
}

// attempt makes one attempt over r.members[i], which begin has counted, and reports whether another one is to follow.
func (w *choice) attempt(ctx context.Context, r *roster, i int) (err error, again bool) {
	m, ended := r.members[i], false
	defer func() {
		if !ended { // the call's context, or what uses its stream, has ended the goroutine or panics
			m.end()
			w.learn(r, i, balance.Report{Err: errAttemptCut})
		}
	}()
	var began time.Time
	if r.learner != nil {
		began = time.Now()
	}
	conn, err := w.connect(r, m)
	if err == nil {
		w.lost = 0
		w.call.Attempt++
		w.call.Peer = conn.Peer()
		err = conn.Call(ctx, w.call)
	}
	ended = true
	m.end()
	if r.learner != nil {
		w.learn(r, i, balance.Report{Err: err, Latency: time.Since(began)})
	}
	switch {
	case err == nil:
		conn.Answered()
		return nil, false
	case conn == nil:
		return err, w.connectsElsewhere(r, m, err)
	case w.call.Begun() || !w.ch.mayResend(conn, w.call.Method, err):
		return err, false
	}
	w.worst = min(w.worst, outcome(err))
	if w.call.Result != nil {
		w.call.Result.Reset()
	}
	return err, true
}

// connect returns the connection of m. Where there may be another server to try, one attempt is all that a call waits
// for.
func (w *choice) connect(r *roster, m *member) (*link.Conn, error) {
	if w.ch.patient && w.ch.servers.resolver != nil {
		return m.link.Attempt(w.bound, w.call.Method, w.expiry)
	}
	return m.link.Conn(w.bound, w.call.Method, w.expiry)
}

// connectsElsewhere reports whether a call goes on that got no connection from m: its server has left, or there is
// another one that it has not tried, or it waits for ready and the next attempt may succeed.
func (w *choice) connectsElsewhere(r *roster, m *member, err error) bool {
	if errors.Is(err, link.ErrClosed) {
		return w.ch.servers.ctx.Err() == nil
	}
	if _, ended := errors.AsType[*rpc.ContextError](err); ended {
		return false
	}
	w.lost++
	return w.lost < r.servers || w.ch.patient && w.ch.servers.resolver != nil && !link.Permanent(err)
}
