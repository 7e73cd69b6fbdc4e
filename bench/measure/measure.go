// Package measure takes one measurement: a client process, which runs Run, starts a server process of its own, drives
// callers against it and reports what the calls cost on both sides. Both are fresh, so that no measurement
// suffers from what the one before it left behind.
package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/yodelrpc/yodel/bench/load"
	"github.com/yodelrpc/yodel/bench/system"
)

// A Spec says what to measure.
type Spec struct {
	System  string        `json:"system"`
	Work    string        `json:"work"`
	Callers int           `json:"callers"` // connections, if the work is idle
	Conns   int           `json:"conns"`   // for systems that share connections between callers
	Rate    float64       `json:"rate"`    // calls a second of an open loop; 0 for a closed one
	Time    time.Duration `json:"time"`

	Deadline time.Duration `json:"deadline"` // that each call gets from its caller; 0 for none
}

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

// Run takes the measurement of spec with s, from the client process.
func Run(ctx context.Context, s system.System, spec Spec) (Result, error) {
	w, err := FindWork(spec.Work)
	if err != nil {
		return Result{}, err
	}
	server, err := startServer(spec)
	if err != nil {
		return Result{}, err
	}
	defer server.stop()
	r := &run{spec: spec, system: s, work: w, server: server}
	if w.kind == idles {
		return r.idle(ctx)
	}
	return r.calls(ctx)
}

type run struct {
	spec   Spec
	system system.System
	work   Work
	server *child
	conns  []system.Conn

	begin, end struct{ client, server Usage }
}

// dial opens n connections and makes a call on each.
func (r *run) dial(ctx context.Context, n int) error {
	for range n {
		c, err := r.system.Dial(ctx, r.server.addr)
		if err != nil {
			return fmt.Errorf("open connection %d of %d: %w", len(r.conns)+1, n, err)
		}
		r.conns = append(r.conns, c)
		if err := divide(ctx, c); err != nil {
			return fmt.Errorf("call on connection %d of %d: %w", len(r.conns), n, err)
		}
	}
	return nil
}

func (r *run) close() {
	for _, c := range r.conns {
		_ = c.Close() // its server ends anyway
	}
}

func (r *run) calls(ctx context.Context) (Result, error) {
	defer r.close()
	callers, err := r.callers(ctx)
	if err != nil {
		return Result{}, err
	}
	plan := load.Plan{Warm: r.spec.Time / 4, Window: r.spec.Time, Begin: r.snapBegin, End: r.snapEnd}
	drive := load.Closed
	if r.spec.Rate > 0 {
		drive = func(ctx context.Context, callers []load.Caller, plan load.Plan) (load.Stats, error) {
			return load.Open(ctx, callers, r.spec.Rate, plan)
		}
	}
	stats, err := drive(ctx, callers, plan)
	if err != nil {
		return Result{}, err
	}
	return r.result(stats), nil
}

func (r *run) callers(ctx context.Context) ([]load.Caller, error) {
	callers := make([]load.Caller, r.spec.Callers)
	if r.work.kind == connects {
		for i := range callers {
			callers[i] = r.connect
		}
		return callers, nil
	}
	conns := min(max(r.spec.Conns, 1), r.spec.Callers)
	if r.system.PerCaller {
		conns = r.spec.Callers
	}
	if err := r.dial(ctx, conns); err != nil {
		return nil, err
	}
	for i := range callers {
		callers[i] = r.withDeadline(r.work.caller(r.conns[i%conns], i))
	}
	return callers, nil
}

func (r *run) withDeadline(call load.Caller) load.Caller {
	if r.spec.Deadline == 0 {
		return call
	}
	return func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, r.spec.Deadline)
		defer cancel()
		return call(ctx)
	}
}

// connect is a caller that opens a connection for each call.
func (r *run) connect(ctx context.Context) (bool, error) {
	c, err := r.system.Dial(ctx, r.server.addr)
	if err != nil {
		return false, err
	}
	if err := divide(ctx, c); err != nil {
		return false, err
	}
	return true, c.Close()
}

func (r *run) snapBegin() (err error) {
	r.begin.client, r.begin.server, err = r.snap(askUsage)
	return err
}

func (r *run) snapEnd() (err error) {
	r.end.client, r.end.server, err = r.snap(askUsage)
	return err
}

func (r *run) snap(question string) (client, server Usage, err error) {
	server, err = r.server.ask(question)
	if err != nil {
		return client, server, err
	}
	client, err = usage()
	return client, server, err
}

// idle opens connections and weighs the server before and after.
func (r *run) idle(ctx context.Context) (Result, error) {
	defer r.close()
	const first = 10 // these have the server allocate what it holds only once
	if err := r.dial(ctx, first); err != nil {
		return Result{}, err
	}
	before, err := r.server.ask(askCollected)
	if err != nil {
		return Result{}, err
	}
	if err := r.dial(ctx, r.spec.Callers); err != nil {
		return Result{}, err
	}
	after, err := r.server.ask(askCollected)
	if err != nil {
		return Result{}, err
	}
	grown := float64(after.Heap+after.Stack) - float64(before.Heap+before.Stack)
	return Result{
		Spec:     r.spec,
		Version:  r.system.Version(),
		Peer:     r.system.Role == system.Peer,
		Calls:    int64(r.spec.Callers),
		Server:   Side{RSS: float64(after.RSS)},
		IdleSize: grown / float64(r.spec.Callers),
	}, nil
}

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
