// Package measure takes one measurement: a client process, which runs Run, starts a server process of its own, drives
// callers against it and reports what the calls cost on both sides. Both are fresh, so that no measurement
// suffers from what the one before it left behind.
package measure

import (
	"context"
	"fmt"
	"time"

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

// dial opens n more connections and makes a call on each.
func (r *run) dial(ctx context.Context, n int) error {
	for range n {
		c, err := r.system.Dial(ctx, r.server.addr)
		if err != nil {
			return fmt.Errorf("open connection %d: %w", len(r.conns)+1, err)
		}
		r.conns = append(r.conns, c)
		if err := divide(ctx, c); err != nil {
			return fmt.Errorf("call on connection %d: %w", len(r.conns), err)
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
	r.begin.client, r.begin.server, err = r.snap()
	return err
}

func (r *run) snapEnd() (err error) {
	r.end.client, r.end.server, err = r.snap()
	return err
}

func (r *run) snap() (client, server Usage, err error) {
	server, err = r.server.ask(askUsage)
	return usage(), server, err
}
