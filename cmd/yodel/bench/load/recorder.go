package load

import (
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	longest  = time.Hour // latency that is told from longer ones
	maxKinds = 64        // of exceptions and errors that are told apart, since some servers send any name
)

// A recorder counts endings. Callers share its parts, so that they seldom wait for each other.
type recorder struct{ parts []part }

type part struct {
	mu      sync.Mutex
	latency *hdrhistogram.Histogram // in nanoseconds, with three digits
	results int64
	lates   int64
	others  tally // exceptions and errors
}

type kind struct{ exception, code, outcome string }

// A tally is how often each kind of exception and error came.
type tally map[kind]*Failure

func newRecorder() *recorder {
	r := &recorder{parts: make([]part, min(runtime.GOMAXPROCS(0), 16))}
	for i := range r.parts {
		r.parts[i].latency = newHistogram()
		r.parts[i].others = make(tally)
	}
	return r
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(longest), 3) }

func (r *recorder) of(caller int) *part { return &r.parts[caller%len(r.parts)] }

func (r *recorder) record(caller int, latency time.Duration, e Ending) {
	p := r.of(caller)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !e.Lost {
		_ = p.latency.RecordValue(int64(min(latency, longest)))
	}
	if e.Exception == "" && e.Code == "" {
		p.results++
		return
	}
	p.others.add(kind{e.Exception, e.Code, e.Outcome}, e.Message, 1)
}

func (r *recorder) late(caller int) {
	p := r.of(caller)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lates++
}

// add counts n endings of a kind, of which message is an example.
func (t tally) add(k kind, message string, n int64) {
	if t[k] == nil && len(t) >= maxKinds {
		message = ""
		if k.exception != "" {
			k = kind{exception: "other"}
		} else {
			k = kind{code: "other"}
		}
	}
	if t[k] == nil {
		t[k] = &Failure{Exception: k.exception, Code: k.code, Outcome: k.outcome, Message: message}
	}
	t[k].Count += n
}

// addTo adds the part's counts to the result, and its exceptions and errors to all.
func (p *part) addTo(r *Result, all tally) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Latency.Merge(p.latency)
	r.Results += p.results
	r.Late += p.lates
	for k, f := range p.others {
		all.add(k, f.Message, f.Count)
	}
}
