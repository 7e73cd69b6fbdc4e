package load_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/bench/load"
)

// takes is a caller whose calls take d.
func takes(d time.Duration) load.Caller {
	return func(context.Context) (bool, error) {
		time.Sleep(d)
		return true, nil
	}
}

func TestClosedCountsCallsWithinTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []string
		plan := load.Plan{
			Warm:   time.Second,
			Window: 2 * time.Second,
			Begin:  func() error { told = append(told, "begin"); return nil },
			End:    func() error { told = append(told, "end"); return nil },
		}
		callers := []load.Caller{takes(10*time.Millisecond + 1), takes(10*time.Millisecond + 1)}
		stats, err := load.Closed(t.Context(), callers, plan)
		if err != nil {
			t.Fatal(err)
		}
		if stats.Calls < 398 || stats.Calls > 402 {
			t.Errorf("two callers of 10 ms calls made %d calls in 2 s, want about 400", stats.Calls)
		}
		if got := time.Duration(stats.Latency.ValueAtQuantile(50)); got < 9*time.Millisecond ||
			got > 11*time.Millisecond {
			t.Errorf("median %v, want about 10ms", got)
		}
		if len(told) != 2 || told[0] != "begin" || told[1] != "end" {
			t.Errorf("told %q, want begin and end", told)
		}
	})
}

func TestCallsThatDoNotCountAreMadeButNotTimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		uncounted := func(context.Context) (bool, error) {
			time.Sleep(time.Millisecond)
			return false, nil
		}
		stats, err := load.Closed(t.Context(), []load.Caller{uncounted}, load.Plan{Window: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if stats.Calls == 0 || stats.Latency.TotalCount() != 0 {
			t.Errorf("%d calls, %d latencies; want some calls and no latency", stats.Calls, stats.Latency.TotalCount())
		}
	})
}

func TestAFailedCallEndsTheRun(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	fails := func(context.Context) (bool, error) { return false, broken }
	plan := load.Plan{Window: time.Hour}
	runs := map[string]func() error{
		"closed": func() error {
			_, err := load.Closed(t.Context(), []load.Caller{fails, takes(time.Millisecond)}, plan)
			return err
		},
		"begin": func() error {
			plan := load.Plan{Begin: func() error { return broken }}
			_, err := load.Closed(t.Context(), []load.Caller{takes(time.Millisecond)}, plan)
			return err
		},
	}
	for name, run := range runs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(); !errors.Is(err, broken) {
				t.Errorf("error %v, want %v", err, broken)
			}
		})
	}
}

func TestOpenCountsLatencyFromWhenACallWasDue(t *testing.T) {
	t.Parallel()
	// One caller whose calls take 2 ms cannot keep up with 1,000 a second: the queue grows all the time.
	plan := load.Plan{Window: 100 * time.Millisecond}
	stats, err := load.Open(t.Context(), []load.Caller{takes(2 * time.Millisecond)}, 1000, plan)
	if err != nil {
		t.Fatal(err)
	}
	if n := stats.Latency.TotalCount(); n < 99 || n > 101 {
		t.Errorf("%d latencies, want one for each of the 100 calls due", n)
	}
	if worst := time.Duration(stats.Latency.Max()); worst < 50*time.Millisecond {
		t.Errorf("the longest latency is %v, want the time that the call waited for its turn too", worst)
	}
}

func TestOpenRefusesARateThatIsNone(t *testing.T) {
	t.Parallel()
	if _, err := load.Open(t.Context(), nil, 0, load.Plan{}); err == nil {
		t.Error("a rate of 0 was taken")
	}
}
