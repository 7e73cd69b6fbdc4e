package load_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/cmd/yodel/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taking returns a caller whose calls take as long as given.
func taking(d time.Duration) load.Caller {
	return func(ctx context.Context, _ int) load.Ending {
		select {
		case <-time.After(d):
			return load.Ending{}
		case <-ctx.Done():
			return load.Ending{Code: "canceled", Outcome: "unknown"}
		}
	}
}

// Inside a bubble the kernel's sleep would not move the time.
func inBubble(p load.Plan) load.Plan {
	p.Sleep = time.Sleep
	return p
}

// near reports whether a latency is what it should be, to three digits.
func near(got int64, want time.Duration) bool {
	return max(got, int64(want))-min(got, int64(want)) <= int64(want)/500
}

func TestClosedLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := load.Run(t.Context(), load.Plan{Callers: 4, Warmup: time.Second, Duration: 10 * time.Second},
			taking(100*time.Millisecond))
		if r.Calls() != 400 || r.Results != 400 || r.Elapsed != 10*time.Second || r.Rate() != 40 {
			t.Errorf("%d calls in %v, want 400 in 10s", r.Calls(), r.Elapsed)
		}
		if !near(r.Latency.Min(), 100*time.Millisecond) || !near(r.Latency.Max(), 100*time.Millisecond) {
			t.Errorf("latencies from %d to %d ns, want 100 ms", r.Latency.Min(), r.Latency.Max())
		}
	})
}

func TestCount(t *testing.T) {
	t.Parallel()
	for _, plan := range []load.Plan{
		{Callers: 8, Count: 100, Warmup: time.Second},
		{Rate: 50, MaxInFlight: 8, Count: 100, Warmup: time.Second},
		{Rate: 50, MaxInFlight: 8, Count: 100},
	} {
		t.Run(fmt.Sprintf("rate %v, warm-up %v", plan.Rate, plan.Warmup), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := load.Run(t.Context(), inBubble(plan), taking(10*time.Millisecond))
				if r.Calls() != 100 || r.Latency.TotalCount() != 100 {
					t.Errorf("%d calls and %d latencies, want 100", r.Calls(), r.Latency.TotalCount())
				}
				if plan.Rate > 0 && r.Elapsed != 2*time.Second {
					t.Errorf("100 arrivals at 50 a second took %v", r.Elapsed)
				}
			})
		})
	}
}

// TestArrivals: calls of an open loop arrive at even distances, however long those before them take.
func TestArrivals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		r := load.Run(t.Context(), inBubble(load.Plan{Rate: 4, MaxInFlight: 100, Duration: 2 * time.Second}),
			func(context.Context, int) load.Ending {
				mu.Lock()
				at = append(at, time.Since(begin))
				mu.Unlock()
				time.Sleep(time.Second)
				return load.Ending{}
			})
		var want []time.Duration
		for n := range 8 {
			want = append(want, time.Duration(n)*250*time.Millisecond)
		}
		if !slices.Equal(at, want) {
			t.Errorf("calls started at %v, want %v", at, want)
		}
		if r.Late != 0 || r.Dropped != 0 || r.Elapsed != 2750*time.Millisecond {
			t.Errorf("%d late, %d dropped, in %v", r.Late, r.Dropped, r.Elapsed)
		}
	})
}

// TestStall: while the server stalls calls keep arriving, and those that had to wait show it.
func TestStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stall := time.Now().Add(5 * time.Second)
		server := make(chan struct{}, 1) // takes one call at a time
		r := load.Run(t.Context(), inBubble(load.Plan{Rate: 100, MaxInFlight: 1000, Duration: 10 * time.Second}),
			func(context.Context, int) load.Ending {
				server <- struct{}{}
				defer func() { <-server }()
				if now := time.Now(); !now.Before(stall) && now.Before(stall.Add(time.Second)) {
					time.Sleep(time.Until(stall.Add(time.Second)))
				}
				return load.Ending{}
			})
		if r.Calls() != 1000 || !near(r.Latency.Max(), time.Second) {
			t.Errorf("%d calls, the longest %v; want 1000 and 1s", r.Calls(), time.Duration(r.Latency.Max()))
		}
		if p95 := r.Latency.ValueAtPercentile(95); !near(p95, 500*time.Millisecond) {
			t.Errorf("p95 is %v; a tenth of the calls came in the second of the stall", time.Duration(p95))
		}
	})
}

// TestDropped: no more than MaxInFlight calls are under way; others are dropped and counted.
func TestDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inFlight, most atomic.Int64
		r := load.Run(t.Context(), inBubble(load.Plan{Rate: 100, MaxInFlight: 7, Duration: 10 * time.Second}),
			func(context.Context, int) load.Ending {
				now := inFlight.Add(1)
				most.Store(max(most.Load(), now))
				time.Sleep(995 * time.Millisecond)
				inFlight.Add(-1)
				return load.Ending{}
			})
		if most.Load() != 7 || r.Calls() != 70 || r.Dropped != 930 {
			t.Errorf("%d under way at most, %d made, %d dropped; want 7, 70, 930", most.Load(), r.Calls(), r.Dropped)
		}
	})
}

// TestLate: a generator that oversleeps says so, and its calls' latencies count from when they were due.
func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plan := load.Plan{Rate: 10, MaxInFlight: 5, Duration: time.Second}
		plan.Sleep = func(d time.Duration) { time.Sleep(d + 5*time.Millisecond) }
		r := load.Run(t.Context(), plan, taking(10*time.Millisecond))
		if r.Late != 9 || !near(r.Latency.Max(), 15*time.Millisecond) || !near(r.Latency.Min(), 10*time.Millisecond) {
			t.Errorf("%d late, latencies up to %v; want all but the first, and 15ms", r.Late,
				time.Duration(r.Latency.Max()))
		}
	})
}

// TestInterrupted: a run that is cut short reports what it has, and counts no call that the cut ended.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		plan load.Plan
		want int64 // calls that end within 9.5 s
	}{
		{load.Plan{Callers: 3, Duration: time.Hour}, 27},
		{load.Plan{Rate: 3, MaxInFlight: 10, Duration: time.Hour}, 26},
		{load.Plan{Rate: 0.001, MaxInFlight: 10, Duration: time.Hour}, 1},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint("rate ", test.plan.Rate), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
				defer cancel()
				r := load.Run(ctx, inBubble(test.plan), taking(time.Second))
				if r.Calls() != test.want || r.Failed() != 0 || r.Elapsed != 9500*time.Millisecond {
					t.Errorf("%d calls, %d failed, in %v; want %d in 9.5s", r.Calls(), r.Failed(), r.Elapsed, test.want)
				}
			})
		})
	}
}

func TestInterruptedInWarmup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := load.Run(ctx, load.Plan{Callers: 1, Warmup: time.Minute}, taking(time.Millisecond))
		if r.Calls() != 0 || r.Elapsed != 0 || r.Rate() != 0 {
			t.Errorf("%d calls in %v, rate %v", r.Calls(), r.Elapsed, r.Rate())
		}
	})
}

func TestProgressAndTraffic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent, received atomic.Int64
		var seen []int64
		r := load.Run(t.Context(), load.Plan{
			Callers: 1, Warmup: 1500 * time.Millisecond, Duration: 3 * time.Second,
			Traffic:  func() (int64, int64) { return sent.Load(), received.Load() },
			Progress: func(r *load.Result) { seen = append(seen, r.Calls()) },
		}, func(context.Context, int) load.Ending {
			sent.Add(10)
			time.Sleep(350 * time.Millisecond)
			received.Add(20)
			return load.Ending{}
		})
		if want := []int64{0, 0, 3, 6}; !slices.Equal(seen, want) {
			t.Errorf("progress saw %v calls, want %v", seen, want)
		}
		if r.Calls() != 8 || r.Sent != 80 || r.Received != 160 {
			t.Errorf("%d calls, %d bytes sent, %d received; want those of 8 calls after the warm-up, 80 and 160",
				r.Calls(), r.Sent, r.Received)
		}
	})
}
