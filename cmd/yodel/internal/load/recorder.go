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
	others  map[kind]*Failure // exceptions and errors
}

type kind struct{ exception, code, outcome string }

func newRecorder() *recorder {
	r := &recorder{parts: make([]part, min(runtime.GOMAXPROCS(0), 16))}
	for i := range r.parts {
		r.parts[i].latency = newHistogram()
		r.parts[i].others = make(map[kind]*Failure)
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
	p.failure(kind{e.Exception, e.Code, e.Outcome}, e.Message).Count++
}

func (r *recorder) late(caller int) {
	p := r.of(caller)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lates++
}

// failure returns the count of a kind of ending, of which message is an example.
func (p *part) failure(k kind, message string) *Failure {
	f := p.others[k]
	if f == nil && len(p.others) >= maxKinds {
		if k.exception != "" {
			k = kind{exception: "other"}
		} else {
			k = kind{code: "other"}
		}
		f = p.others[k]
	}
	if f == nil {
		f = &Failure{Exception: k.exception, Code: k.code, Outcome: k.outcome, Message: message}
		p.others[k] = f
	}
	return f
}

// addTo adds the part's counts to the result, and its kinds of failures to all.
func (p *part) addTo(r *Result, all map[kind]*Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Latency.Merge(p.latency)
	r.Results += p.results
	r.Late += p.lates
	for k, f := range p.others {
		if all[k] == nil {
			all[k] = new(*f)
		} else {
			all[k].Count += f.Count
		}
	}
}
