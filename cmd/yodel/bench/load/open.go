package load

import (
	"sync"
	"time"
)

// lateAfter is how long after its time a call may start. Later ones are counted: there the generator itself, or the
// machine that it runs on, is too slow for the rate.
const lateAfter = time.Millisecond

// open lets calls arrive. The first caller that is free takes one; where none is, there is one caller more, up to
// MaxInFlight.
func (r *run) open() {
	var callers sync.WaitGroup
	defer callers.Wait()
	arrivals := make(chan time.Time)
	defer close(arrivals)
	started := 0
	for n := 0; ; n++ {
		due := r.start.Add(time.Duration(float64(n) / r.Rate * float64(time.Second)))
		if !r.sleepUntil(due) || r.counts(due) && !r.admit(due) {
			return
		}
		select {
		case arrivals <- due:
			continue
		default:
		}
		if started == r.MaxInFlight {
			r.drop(due)
			continue
		}
		number := started
		started++
		callers.Go(func() { r.serve(number, due, arrivals) })
	}
}

// serve is one caller, whose first call is due at the given time.
func (r *run) serve(number int, due time.Time, arrivals <-chan time.Time) {
	for more := true; more; due, more = <-arrivals {
		if r.counts(due) && time.Since(due) > lateAfter {
			r.rec.late(number)
		}
		r.make(number, due)
	}
}

func (r *run) drop(due time.Time) {
	if r.counts(due) {
		r.dropped.Add(1)
	}
}

// sleepUntil waits until t, but not beyond the end of the run, and reports whether the run goes on. Timers fire up to a
// millisecond late, so that the last part of the wait is left to Sleep.
func (r *run) sleepUntil(t time.Time) bool {
	const precise = 2 * time.Millisecond
	if !r.end.IsZero() && t.After(r.end) {
		t = r.end
	}
	if wait := time.Until(t) - precise; wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.ctx.Done():
			return false
		}
	}
	if wait := time.Until(t); wait > 0 {
		r.Sleep(wait)
	}
	return r.ctx.Err() == nil
}
