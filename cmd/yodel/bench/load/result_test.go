package load_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/cmd/yodel/bench/load"
)

// endings runs one call for each ending, which takes a millisecond longer each time.
func endings(t *testing.T, list ...load.Ending) (result *load.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var next atomic.Int64
		result = load.Run(t.Context(), load.Plan{Callers: 1, Count: int64(len(list))},
			func(context.Context, int) load.Ending {
				n := next.Add(1)
				time.Sleep(time.Duration(n) * time.Millisecond)
				return list[n-1]
			})
	})
	return result
}

func TestEndings(t *testing.T) {
	t.Parallel()
	timeout := load.Ending{Code: "deadline_exceeded", Outcome: "unknown"}
	lost := load.Ending{Code: "unavailable", Outcome: "not started", Message: "refused", Lost: true}
	other := lost
	other.Outcome, other.Message = "unknown", "reset"
	again := lost
	again.Message = "refused again"
	invalid := load.Ending{Exception: "InvalidOperation"}
	r := endings(t, load.Ending{}, invalid, timeout, lost, other, again, load.Ending{Exception: "Full"}, invalid)
	if got := fmt.Sprintf("%+v", r.Errors); got != "[{Exception: Code:unavailable Outcome:not started Message:refused "+
		"Count:2} {Exception: Code:deadline_exceeded Outcome:unknown Message: Count:1} {Exception: Code:unavailable "+
		"Outcome:unknown Message:reset Count:1}]" {
		t.Error(got)
	}
	if len(r.Exceptions) != 2 || r.Exceptions[0].Exception != "InvalidOperation" || r.Exceptions[0].Count != 2 {
		t.Errorf("%+v", r.Exceptions)
	}
	if r.Calls() != 8 || r.Answers() != 4 || r.Failed() != 4 || r.Results != 1 {
		t.Errorf("%d calls, %d answers, %d errors, %d results", r.Calls(), r.Answers(), r.Failed(), r.Results)
	}
	if n := r.Latency.TotalCount(); n != 5 {
		t.Errorf("%d latencies, want those of 4 answers and of the call that ran into its deadline", n)
	}
}

// TestManyKinds: a server that invents names costs no more than a fixed number of lines.
func TestManyKinds(t *testing.T) {
	t.Parallel()
	var list []load.Ending
	for n := range 10_000 {
		list = append(list, load.Ending{Exception: fmt.Sprint("X", n)}, load.Ending{Code: fmt.Sprint("c", n)})
	}
	r := endings(t, list...)
	if len(r.Exceptions)+len(r.Errors) > 64+2 || r.Calls() != 20_000 {
		t.Errorf("%d exceptions, %d errors, %d calls", len(r.Exceptions), len(r.Errors), r.Calls())
	}
	if r.Exceptions[0].Exception != "other" || r.Errors[0].Code != "other" {
		t.Errorf("the most frequent are %+v and %+v", r.Exceptions[0], r.Errors[0])
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	r := endings(t, make([]load.Ending, 21)...)
	var got []string
	for _, b := range r.Buckets() {
		got = append(got, fmt.Sprintf("%v-%v:%d", b.From, b.To, b.Count))
	}
	if text := strings.Join(got, " "); text !=
		"500µs-1ms:1 1ms-2ms:1 2ms-5ms:3 5ms-10ms:5 10ms-20ms:10 20ms-50ms:1" {
		t.Error(text)
	}
	if b := endings(t, load.Ending{Code: "unavailable", Lost: true}).Buckets(); b != nil {
		t.Error(b)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	failed := load.Ending{Code: "internal"}
	r := endings(t, load.Ending{}, load.Ending{}, load.Ending{Exception: "Full"}, failed) // 1, 2, 3 and 4 ms
	r.Dropped, r.Late = 4, 2
	tests := []struct{ limit, broken string }{
		{"p50>1ms", "p50 is 2.00"}, {"p50>2.1ms", ""}, {"p50<1ms", ""}, {"p50<3ms", "p50 is 2.00"},
		{"p99.9 > 3ms", "p99.9 is 4.00"}, {"p100>5ms", ""}, {"max>3ms", "max is 4.00"}, {"min<2ms", "min is 999.9"},
		{"mean>2ms", "mean is 2.5"}, {"mean>2.6ms", ""},
		{"rate<1000/s", "rate is 300/s"}, {"rate<300", ""}, {"rate>299/s", "rate is 300/s"},
		{"errors>0", "errors is 1"}, {"errors>1", ""}, {"errors>12.4%", "errors is 12.5%"}, {"errors>12.5%", ""},
		{"exceptions>0", "exceptions is 1"}, {"exceptions<1", ""},
		{"dropped>3", "dropped is 4"}, {"dropped>50%", ""}, {"late>0.1%", "late is 25%"},
	}
	for _, test := range tests {
		t.Run(test.limit, func(t *testing.T) {
			t.Parallel()
			l, err := load.ParseLimit(test.limit)
			if err != nil {
				t.Fatal(err)
			}
			got := l.Broken(r)
			if (got == "") != (test.broken == "") || !strings.Contains(got, test.broken) {
				t.Errorf("got %q, want %q", got, test.broken)
			}
			if got != "" && !strings.HasPrefix(got, test.limit+": ") {
				t.Errorf("%q does not begin with the limit", got)
			}
		})
	}
}

func TestWrongLimits(t *testing.T) {
	t.Parallel()
	tests := []struct{ limit, want string }{
		{"p99", "neither < nor >"}, {"", "neither < nor >"}, {"p99=1ms", "neither < nor >"},
		{"p99>", "not a time"}, {"p99>10", "not a time"}, {"p99>-1ms", "not a time"}, {"max>1%", "not a time"},
		{"p0>1ms", "no such figure"}, {"p101>1ms", "no such figure"}, {"pNaN>1ms", "no such figure"},
		{"99>1ms", "no such figure"}, {"latency>1ms", "no such figure"}, {">1ms", "no such figure"},
		{"rate<fast", "calls a second"}, {"rate<10ms", "calls a second"}, {"rate>-1", "calls a second"},
		{"rate<NaN", "calls a second"}, {"errors>1ms", "or a share"}, {"errors>-1%", "or a share"},
		{"errors>NaN", "or a share"}, {"dropped>%", "or a share"},
	}
	for _, test := range tests {
		t.Run(test.limit, func(t *testing.T) {
			t.Parallel()
			if _, err := load.ParseLimit(test.limit); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
