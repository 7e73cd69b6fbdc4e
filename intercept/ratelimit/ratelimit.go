// Package ratelimit bounds how many calls a second each caller of a server may begin.
package ratelimit

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/rpc"
)

// Options are the choices of [New]. Rate and Burst are needed.
type Options struct {
	Rate  float64 // calls a second of one caller, in the long run; more than 0
	Burst int     // calls that it may make at once after a pause; at least 1

	// Caller returns the key by which callers are told apart; default [auth.Caller]: the identity that package
	// auth has found, else the address without its port. It may be called by many goroutines at
	// once.
	Caller func(ctx context.Context, c *rpc.Call) string

	// Callers is of how many callers the interceptor keeps account at once; default 65,536, about 300 bytes each.
	// Further ones share one account among them until there is room. A caller who has not called for so long that its
	// burst is whole again is forgotten.
	Callers int
}

// New returns a server's interceptor, for unary calls and streams, that ends a call with resource_exhausted when its
// caller makes too many; what is behind it does not run. An [rpc.RetryInfo] among the error's details says when the
// next one has a chance. A stream counts as one call, when it begins. It stands behind package auth's interceptor,
// without which callers are IP addresses.
//
// The limit is of one process: with the mode Processes each worker has its own.
func New(o Options) (rpc.Interceptor, error) {
	switch {
	case !(o.Rate > 0) || o.Rate > 1e9:
		return nil, fmt.Errorf("ratelimit.Options.Rate is %v; set how many calls a second a caller may make", o.Rate)
	case o.Burst < 1:
		return nil, fmt.Errorf("ratelimit.Options.Burst is %d; set how many calls a caller may make at once, 1 or more",
			o.Burst)
	case o.Callers < 0:
		return nil, errors.New("ratelimit.Options.Callers is negative; leave it 0 for its default")
	}
	if o.Caller == nil {
		o.Caller = auth.Caller
	}
	if o.Callers == 0 {
		o.Callers = 1 << 16
	}
	a := newAccounts(o)
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			if wait := a.take(o.Caller(ctx, c), time.Now()); wait > 0 {
				return rpc.Errorf(rpc.ResourceExhausted, "too many calls; try again in %v",
					wait.Round(time.Millisecond)).WithDetails(&rpc.RetryInfo{RetryDelay: wait})
			}
			return next(ctx, c)
		}
	}, nil
}

// accounts are of the callers of late, at most max.
type accounts struct {
	rate  rate.Limit
	burst int
	max   int

	mu     sync.Mutex
	byName map[string]*list.Element
	recent *list.List    // of *account, the last to have called in front
	shared *rate.Limiter // of callers for whom there is no room
}

type account struct {
	name  string
	limit *rate.Limiter
}

func newAccounts(o Options) *accounts {
	return &accounts{
		rate: rate.Limit(o.Rate), burst: o.Burst, max: o.Callers, byName: make(map[string]*list.Element),
		recent: list.New(), shared: rate.NewLimiter(rate.Limit(o.Rate), o.Burst),
	}
}

// take counts a call of name, and returns 0, or how long to wait for one that may be made: that is not counted.
func (a *accounts) take(name string, now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	limit := a.ofLocked(name, now)
	if limit.AllowN(now, 1) {
		return 0
	}
	missing := 1 - limit.TokensAt(now)
	return max(time.Duration(missing/float64(a.rate)*float64(time.Second)), 1)
}

// ofLocked returns the limit of a caller. Each time it forgets up to two callers of long ago, so that there are none
// once others have called as often.
func (a *accounts) ofLocked(name string, now time.Time) *rate.Limiter {
	e, known := a.byName[name]
	if known {
		a.recent.MoveToFront(e)
	}
	for range 2 {
		last := a.recent.Back()
		if last == nil || last == e {
			break
		}
		if old := last.Value.(*account); old.limit.TokensAt(now) >= float64(a.burst) { // as a new one
			a.recent.Remove(last)
			delete(a.byName, old.name)
		}
	}
	switch {
	case known:
		return e.Value.(*account).limit
	case len(a.byName) >= a.max:
		return a.shared
	}
	fresh := &account{name, rate.NewLimiter(a.rate, a.burst)}
	a.byName[name] = a.recent.PushFront(fresh)
	return fresh.limit
}
