package load

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A sink gathers the latencies of all callers, in nanoseconds up to a minute with three digits.
type sink struct {
	calls atomic.Int64

	mu   sync.Mutex
	hist *hdrhistogram.Histogram
}

const longest = time.Minute

func newSink() *sink {
	return &sink{hist: hdrhistogram.New(1, int64(longest), 3)}
}

func (s *sink) add(latencies []int64, calls int64) {
	s.calls.Add(calls)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range latencies {
		// A latency beyond the histogram's range counts as the longest.
		_ = s.hist.RecordValue(min(d, int64(longest)))
	}
}

// A recorder belongs to one caller and passes its latencies on in batches, so that callers do not contend.
type recorder struct {
	sink    *sink
	calls   int64
	n       int
	pending [128]int64
}

func (r *recorder) record(latency time.Duration, counts bool) {
	r.calls++
	if counts {
		r.missed(latency)
	}
}

// missed records the latency of a call that was never made.
func (r *recorder) missed(latency time.Duration) {
	r.pending[r.n] = int64(latency)
	r.n++
	if r.n == len(r.pending) {
		r.flush()
	}
}

func (r *recorder) flush() {
	r.sink.add(r.pending[:r.n], r.calls)
	r.n, r.calls = 0, 0
}
