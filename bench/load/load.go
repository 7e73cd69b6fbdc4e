// Package load drives callers against a system and records how long their calls take: closed loop, where each caller
// makes its next call when the last one is answered, and open loop, where calls arrive at a fixed rate whatever the
// system does and each latency counts from the moment the call was due. A closed loop hides queueing; an open one
// shows it.
package load

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Caller makes one call after another; only one goroutine uses it. It says whether the call's latency counts.
type Caller func(ctx context.Context) (counts bool, err error)

// A Plan says how long to drive and whom to tell when the measured window begins and ends.
type Plan struct {
	Warm   time.Duration // before the window
	Window time.Duration
	Begin  func() error // nil for nobody
	End    func() error
}

// Stats are what was measured within the window.
type Stats struct {
	Calls   int64         // answered
	Elapsed time.Duration // the window as it really was
	Latency *hdrhistogram.Histogram
}

// run has the window's begin and end reported, and lets the callers know through recording.
func (p Plan) run(ctx context.Context, recording *atomic.Bool) (time.Duration, error) {
	pause(ctx, p.Warm)
	if err := tell(p.Begin); err != nil {
		return 0, err
	}
	start := time.Now()
	recording.Store(true)
	pause(ctx, p.Window)
	recording.Store(false)
	elapsed := time.Since(start)
	return elapsed, tell(p.End)
}

func tell(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
