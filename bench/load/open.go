package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Open has rate calls a second fall due at even distances, and the callers make them as they get free. The latency
// of each call that falls due within the window counts from that moment; a call that nobody has made one window's
// length after the window's end is made no more, and counts with the time that it has waited.
func Open(ctx context.Context, callers []Caller, rate float64, plan Plan) (Stats, error) {
	if rate <= 0 {
		return Stats{}, fmt.Errorf("rate %v: give a number of calls a second above 0", rate)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	o := newOpen(rate, plan)
	var wg sync.WaitGroup
	wg.Go(o.pace)
	for _, call := range callers {
		wg.Go(func() {
			if err := o.serve(ctx, call); err != nil {
				o.late.Store(true)
				cancel(err)
			}
		})
	}
	elapsed, err := plan.run(ctx, new(atomic.Bool)) // what counts here is when a call is due
	o.drain(&wg)
	if failed := context.Cause(ctx); failed != nil {
		err = failed
	}
	return Stats{Calls: o.sink.calls.Load(), Elapsed: elapsed, Latency: o.sink.hist}, err
}

type open struct {
	sink     *sink
	plan     Plan
	start    time.Time
	interval time.Duration
	due      chan time.Time // when each call is due
	late     atomic.Bool    // no further call is made
}

func newOpen(rate float64, plan Plan) *open {
	total := rate * (plan.Warm + plan.Window).Seconds()
	return &open{
		sink:     newSink(),
		plan:     plan,
		start:    time.Now(),
		interval: time.Duration(float64(time.Second) / rate),
		due:      make(chan time.Time, int(total)+1), // so that the pace never waits for callers
	}
}

// pace sends what is due until the window ends. It sleeps in the kernel for at least shortest: Go's own timers are
// too coarse below a millisecond.
func (o *open) pace() {
	defer close(o.due)
	const shortest = 50 * time.Microsecond
	end := o.start.Add(o.plan.Warm + o.plan.Window)
	for next := o.start; next.Before(end); {
		now := time.Now()
		for ; !next.After(now) && next.Before(end); next = next.Add(o.interval) {
			o.due <- next
		}
		sleep(max(time.Until(next), shortest))
	}
}

func (o *open) serve(ctx context.Context, call Caller) error {
	r := recorder{sink: o.sink}
	defer r.flush()
	quiet := context.Background() // WithoutCancel would cost an allocation at each look for a value
	begin := o.start.Add(o.plan.Warm)
	for due := range o.due {
		if o.late.Load() {
			r.missed(time.Since(due))
			continue
		}
		counts, err := call(quiet)
		if err != nil {
			return err
		}
		if !due.Before(begin) {
			r.record(time.Since(due), counts)
		}
	}
	return nil
}

// drain waits for the calls that are under way or due, and gives up on those that are still due after a while.
func (o *open) drain(wg *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(o.plan.Window):
		o.late.Store(true)
		<-done
	}
}
