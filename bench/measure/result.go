package measure

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/yodelrpc/yodel/bench/load"
	"github.com/yodelrpc/yodel/bench/system"
)

// Result is what was measured. Latencies are in microseconds, sizes in bytes; what is per call is 0 if none was made.
type Result struct {
	Spec
	Version  string  `json:"version"`
	Peer     bool    `json:"peer"` // the system's role is system.Peer
	Calls    int64   `json:"calls"`
	PerSec   float64 `json:"per_sec"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	P999     float64 `json:"p999"`
	Client   Side    `json:"client"`
	Server   Side    `json:"server"`
	IdleSize float64 `json:"idle_size"` // heap and stack that each idle connection takes at the server
}

// A Side is what one process used for each call.
type Side struct {
	CPU      float64 `json:"cpu"` // microseconds, user and system
	Allocs   float64 `json:"allocs"`
	Writes   float64 `json:"writes"`
	Switches float64 `json:"switches"`
	RSS      float64 `json:"rss"` // bytes at the end, of the whole process
}

// CPU is the microseconds that both sides together spend on a call.
func (r Result) CPU() float64 { return r.Client.CPU + r.Server.CPU }

func (r *run) result(stats load.Stats) Result {
	return Result{
		Spec:    r.spec,
		Version: r.system.Version(),
		Peer:    r.system.Role == system.Peer,
		Calls:   stats.Calls,
		PerSec:  float64(stats.Calls) / stats.Elapsed.Seconds(),
		P50:     quantile(stats.Latency, 50),
		P99:     quantile(stats.Latency, 99),
		P999:    quantile(stats.Latency, 99.9),
		Client:  side(r.begin.client, r.end.client, stats.Calls),
		Server:  side(r.begin.server, r.end.server, stats.Calls),
	}
}

// quantile returns in microseconds what q percent of the latencies do not exceed.
func quantile(h *hdrhistogram.Histogram, q float64) float64 {
	return float64(h.ValueAtQuantile(q)) / float64(time.Microsecond)
}

func side(begin, end Usage, calls int64) Side {
	if calls == 0 {
		return Side{RSS: float64(end.RSS)}
	}
	n := float64(calls)
	return Side{
		CPU:      (end.CPU - begin.CPU).Seconds() * 1e6 / n,
		Allocs:   float64(end.Mallocs-begin.Mallocs) / n,
		Writes:   float64(end.Writes-begin.Writes) / n,
		Switches: float64(end.Switches-begin.Switches) / n,
		RSS:      float64(end.RSS),
	}
}
