package load

import (
	"cmp"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Result is what the counted calls of a run came to.
type Result struct {
	Elapsed    time.Duration // from the end of the warm-up until the last call had ended
	Results    int64
	Exceptions []Failure // the most frequent first, as are the errors
	Errors     []Failure
	Late       int64 // open loop: calls that started more than a millisecond after their time
	Dropped    int64 // open loop: calls that were never made, because MaxInFlight were under way
	Sent       int64 // bytes
	Received   int64

	// Latency is in nanoseconds, up to an hour, with three digits. It has the calls that were answered, by whatever,
	// and those that ran into their deadline. In an open loop it counts from the time at which the call was due.
	Latency *hdrhistogram.Histogram
}

// A Failure is a kind of exception or error, and how many calls ended so.
type Failure struct {
	Exception string
	Code      string
	Outcome   string
	Message   string // of the first of them
	Count     int64
}

func (r *run) result() *Result {
	result := &Result{
		Elapsed: max(0, time.Since(r.begin)),
		Dropped: r.dropped.Load(),
		Latency: newHistogram(),
	}
	base, now := r.base.Load(), r.traffic()
	result.Sent, result.Received = now.sent-base.sent, now.received-base.received
	all := make(tally)
	for i := range r.rec.parts {
		r.rec.parts[i].addTo(result, all)
	}
	for _, f := range all {
		if f.Exception != "" {
			result.Exceptions = append(result.Exceptions, *f)
		} else {
			result.Errors = append(result.Errors, *f)
		}
	}
	slices.SortFunc(result.Exceptions, byCount)
	slices.SortFunc(result.Errors, byCount)
	return result
}

func byCount(a, b Failure) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Exception+a.Code, b.Exception+b.Code),
		cmp.Compare(a.Outcome, b.Outcome))
}

// Answers returns how many calls ended with a result or a declared exception.
func (r *Result) Answers() int64 { return r.Results + total(r.Exceptions) }

// Failed returns how many calls ended with an error.
func (r *Result) Failed() int64 { return total(r.Errors) }

// Calls returns how many calls were made.
func (r *Result) Calls() int64 { return r.Answers() + r.Failed() }

// Rate returns the answers a second.
func (r *Result) Rate() float64 {
	if r.Elapsed == 0 {
		return 0
	}
	return float64(r.Answers()) / r.Elapsed.Seconds()
}

func total(list []Failure) (n int64) {
	for _, f := range list {
		n += f.Count
	}
	return n
}
