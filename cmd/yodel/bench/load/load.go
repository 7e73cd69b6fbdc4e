// Package load makes the same call over and over and says how long it took: in a closed loop, where each caller makes
// its next call when the last one has ended, or in an open loop, where calls arrive at a fixed rate whatever becomes of
// those before. [Run] is where to begin. What a call is, and over which protocol it goes, is a [Caller]'s business.
package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Caller makes one call. The callers of a run are numbered from 0; each makes one call at a time. A call may go on
// after ctx has ended, but then it is not counted unless it is answered.
type Caller func(ctx context.Context, number int) Ending

// An Ending is what became of a call: a result, if Exception and Code are empty.
type Ending struct {
	Exception string // the name of a declared exception
	Code      string // of an error
	Outcome   string // of an error: whether the call ran
	Message   string // of an error
	Lost      bool   // neither answered nor waited for until its deadline, so that its latency says nothing
}

// A Plan says how many calls to make. It ends with the context of [Run], after Duration or after Count calls, whichever
// comes first.
type Plan struct {
	Callers     int           // closed loop: calls that are under way at any time
	Rate        float64       // open loop: calls that arrive in a second; 0 for a closed loop
	MaxInFlight int           // open loop: calls under way at most; one that arrives beyond that is dropped
	Warmup      time.Duration // at the beginning, whose calls are not counted
	Duration    time.Duration // after that; 0 for no end
	Count       int64         // calls that are counted; 0 for no end

	Traffic  func() (sent, received int64) // the bytes since ever; nil for unknown
	Progress func(*Result)                 // gets what there is, once a second; nil for nobody
	Sleep    func(time.Duration)           // waits for 2 ms at the most; nil for the kernel's most precise way
}

// A run is a plan that is being carried out.
type run struct {
	Plan
	ctx     context.Context
	call    Caller
	start   time.Time // of the warm-up
	begin   time.Time // of what is counted
	end     time.Time // zero for none
	counted atomic.Int64
	dropped atomic.Int64
	rec     *recorder
	warm    sync.Once               // run by the first call that is counted
	base    atomic.Pointer[traffic] // before what is counted
}

type traffic struct{ sent, received int64 }

// Run carries out a plan, and returns when every call has ended. Its goroutines are the callers and one for Progress;
// they end with it.
func Run(ctx context.Context, p Plan, call Caller) *Result {
	if p.Sleep == nil {
		p.Sleep = sleep
	}
	now := time.Now()
	r := &run{Plan: p, ctx: ctx, call: call, start: now, begin: now.Add(p.Warmup), rec: newRecorder()}
	if p.Duration > 0 {
		r.end = r.begin.Add(p.Duration)
	}
	defer r.observe()()
	if p.Rate > 0 {
		r.open()
	} else {
		r.closed()
	}
	return r.result()
}

// observe looks at the traffic before the first call, and calls Progress until the function that it returns is called.
func (r *run) observe() (stop func()) {
	r.base.Store(r.traffic())
	done := make(chan struct{})
	var reporter sync.WaitGroup
	if r.Progress != nil {
		reporter.Go(func() { r.report(done) })
	}
	return func() {
		close(done)
		reporter.Wait()
	}
}

func (r *run) report(done <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.Progress(r.result())
		case <-done:
			return
		}
	}
}

func (r *run) traffic() *traffic {
	if r.Traffic == nil {
		return new(traffic)
	}
	sent, received := r.Traffic()
	return &traffic{sent, received}
}

// counts reports whether a call that starts at t is one of those that are counted.
func (r *run) counts(t time.Time) bool { return !t.Before(r.begin) }

// admit reports whether there is to be another call that is counted.
func (r *run) admit(start time.Time) bool {
	if !r.end.IsZero() && !start.Before(r.end) {
		return false
	}
	return r.Count == 0 || r.counted.Add(1) <= r.Count
}

// make makes a call, which counts if it started late enough. Its latency is the time since start.
func (r *run) make(number int, start time.Time) {
	counts := r.counts(start)
	if counts {
		r.warm.Do(func() { r.base.Store(r.traffic()) })
	}
	ending := r.call(r.ctx, number)
	if !counts || ending.Code != "" && r.ctx.Err() != nil {
		return
	}
	r.rec.record(number, time.Since(start), ending)
}
