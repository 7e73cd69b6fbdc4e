package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Closed drives the callers in a closed loop. The first call that fails ends the run with its error.
func Closed(ctx context.Context, callers []Caller, plan Plan) (Stats, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &closed{sink: newSink()}
	var wg sync.WaitGroup
	for _, call := range callers {
		wg.Go(func() {
			if err := c.loop(ctx, call); err != nil {
				cancel(err)
			}
		})
	}
	elapsed, err := plan.run(ctx, &c.recording)
	c.stop.Store(true)
	wg.Wait()
	if failed := context.Cause(ctx); failed != nil {
		err = failed
	}
	return Stats{Calls: c.sink.calls.Load(), Elapsed: elapsed, Latency: c.sink.hist}, err
}

type closed struct {
	sink      *sink
	recording atomic.Bool
	stop      atomic.Bool
}

// loop calls with a context that nobody cancels, as most callers do; stop ends it after the current call.
func (c *closed) loop(ctx context.Context, call Caller) error {
	r := recorder{sink: c.sink}
	defer r.flush()
	quiet := context.Background() // WithoutCancel would cost an allocation at each look for a value
	last := time.Now()
	for !c.stop.Load() {
		counts, err := call(quiet)
		if err != nil {
			return err
		}
		now := time.Now()
		if c.recording.Load() {
			r.record(now.Sub(last), counts)
		}
		last = now
	}
	return nil
}
