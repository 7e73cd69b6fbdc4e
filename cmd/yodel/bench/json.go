package bench

import (
	"encoding/json"
	"io"

	"github.com/yodelrpc/yodel/cmd/yodel/bench/load"
)

// A reportJSON is what --json prints; docs/load.md describes it.
type reportJSON struct {
	Address          string           `json:"address"`
	Protocol         string           `json:"protocol"`
	Method           string           `json:"method"`
	Callers          int              `json:"callers,omitempty"`
	ArrivalsPerS     float64          `json:"arrivals_per_second,omitempty"`
	Connections      int              `json:"connections,omitempty"`
	ElapsedSeconds   float64          `json:"elapsed_seconds"`
	Calls            int64            `json:"calls"`
	Results          int64            `json:"results"`
	AnswersPerSecond float64          `json:"answers_per_second"`
	Exceptions       map[string]int64 `json:"exceptions"`
	Errors           []errorJSON      `json:"errors"`
	ErrorPercent     float64          `json:"error_percent"`
	Late             int64            `json:"late"`
	Dropped          int64            `json:"dropped"`
	BytesSent        int64            `json:"bytes_sent"`
	BytesReceived    int64            `json:"bytes_received"`
	Latency          map[string]int64 `json:"latency_ns"`
	Histogram        []rangeJSON      `json:"histogram"`
	Failed           []string         `json:"failed"`
}

type errorJSON struct {
	Code    string `json:"code"`
	Outcome string `json:"outcome"`
	Count   int64  `json:"count"`
	Message string `json:"message"`
}

type rangeJSON struct {
	FromNs int64 `json:"from_ns"`
	ToNs   int64 `json:"to_ns"`
	Count  int64 `json:"count"`
}

func (r *report) printJSON(w io.Writer) error {
	j := reportJSON{
		Address: r.target.Target, Protocol: r.target.Protocol, Method: r.method,
		Connections:    r.target.connections,
		ElapsedSeconds: r.Elapsed.Seconds(),
		Calls:          r.Calls(), Results: r.Results, AnswersPerSecond: r.Rate(),
		Exceptions:   make(map[string]int64),
		Errors:       []errorJSON{},
		ErrorPercent: load.Percent(r.Failed(), r.Calls()),
		Late:         r.Late, Dropped: r.Dropped,
		BytesSent: r.Sent, BytesReceived: r.Received,
		Latency:   latencies(r.Result),
		Histogram: []rangeJSON{},
		Failed:    append([]string{}, r.broken...),
	}
	if j.ArrivalsPerS = r.command.plan.Rate; j.ArrivalsPerS == 0 {
		j.Callers = r.command.plan.Callers
	}
	for _, f := range r.Exceptions {
		j.Exceptions[f.Exception] = f.Count
	}
	for _, f := range r.Errors {
		j.Errors = append(j.Errors, errorJSON{f.Code, f.Outcome, f.Count, f.Message})
	}
	for _, b := range r.Buckets() {
		j.Histogram = append(j.Histogram, rangeJSON{int64(b.From), int64(b.To), b.Count})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(j)
}

// latencies returns the figures of a latency in nanoseconds; none where nothing was measured.
func latencies(r *load.Result) map[string]int64 {
	h := r.Latency
	if h.TotalCount() == 0 {
		return map[string]int64{}
	}
	return map[string]int64{
		"min": h.Min(), "mean": int64(h.Mean()), "max": h.Max(),
		"p50": h.ValueAtPercentile(50), "p90": h.ValueAtPercentile(90),
		"p99": h.ValueAtPercentile(99), "p99_9": h.ValueAtPercentile(99.9),
	}
}
