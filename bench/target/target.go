// Package target holds what Yodel's mux protocol has to reach, as ratios between systems within one run, and judges
// measurements by it.
package target

import (
	"errors"
	"fmt"

	"github.com/yodelrpc/yodel/bench/measure"
)

// The systems that targets speak of by name; all others but the bounds are peers.
const (
	subject = "yodel-mux"
	floor   = "floor"
	plain   = "plain"
	grpc    = "grpc-go"
)

// A Target is one thing to reach.
type Target struct {
	Text    string
	Work    string
	Callers int
	Alone   bool // only the subject is measured
	Limit   float64
	AtLeast bool // else at most

	value func(Point) (Figure, error)
}

// A Figure is a number to hold against a limit, and what it is made of.
type Figure struct {
	Value float64
	From  string // "5.1 us against arpc's 14.7 us"
}

// A Verdict is a target and what was measured of it.
type Verdict struct {
	Text    string
	Limit   float64
	AtLeast bool
	Figure  Figure
	Missing error // why there is no figure
}

// Met says whether the target is reached.
func (v Verdict) Met() bool {
	if v.Missing != nil {
		return false
	}
	if v.AtLeast {
		return v.Figure.Value >= v.Limit
	}
	return v.Figure.Value <= v.Limit
}

// All lists the targets that calls are measured for.
func All() []Target {
	return []Target{
		{Text: "64 callers, one connection: CPU a call, of the best peer's",
			Work: "divide", Callers: 64, Limit: 1.0 / 5, value: cpuOfBestPeer},
		{Text: "64 callers, one connection: CPU a call, of the floor's",
			Work: "divide", Callers: 64, Limit: 2, value: cpuOfFloor},
		{Text: "512 callers: CPU a call, of the best peer's",
			Work: "divide", Callers: 512, Limit: 1.0 / 5, value: cpuOfBestPeer},
		{Text: "512 callers: CPU a call, of the floor's",
			Work: "divide", Callers: 512, Limit: 2, value: cpuOfFloor},
		{Text: "512 callers: calls a second, of gRPC-Go's",
			Work: "divide", Callers: 512, Limit: 8, AtLeast: true, value: callsOfGRPC},
		{Text: "1 caller: median, of a plain TCP ping-pong's",
			Work: "divide", Callers: 1, Limit: 1.3, value: medianOfPlain},
		{Text: "1 KiB echo, 64 callers: CPU a call, of the best peer's",
			Work: "echo1k", Callers: 64, Limit: 1.0 / 3, value: cpuOfBestPeer},
		{Text: "1 MiB echo, 4 callers: MB/s, of the best peer's",
			Work: "echo1m", Callers: 4, Limit: 1, AtLeast: true, value: callsOfBestPeer},
		{Text: "1 MiB echo, 4 callers: CPU a byte, of a plain framed TCP echo's",
			Work: "echo1m", Callers: 4, Limit: 1.3, value: cpuOfPlain},
		{Text: "allocations a call at the client, scalars only",
			Work: "divide", Callers: 64, Limit: 0 + noise, value: clientAllocs},
		{Text: "allocations a call at the server, besides strings and lists",
			Work: "divide", Callers: 64, Limit: 1 + noise, value: serverAllocs},
		{Text: "10,000 idle connections: KiB of heap and stack each, at the server",
			Work: "idle", Callers: 10_000, Alone: true, Limit: 6, value: idleSize},
	}
}

// noise is how many allocations a call the garbage collector's emptying of pools and the measuring itself may cause.
const noise = 0.05

// Judge holds medians against t.
func (t Target) Judge(medians []measure.Result) Verdict {
	v := Verdict{Text: t.Text, Limit: t.Limit, AtLeast: t.AtLeast}
	v.Figure, v.Missing = t.value(pick(medians, t.Work, t.Callers))
	return v
}

// A Point is the results of one work and one number of callers, on one connection in a closed loop without deadlines.
type Point []measure.Result

func pick(medians []measure.Result, work string, callers int) Point {
	var p Point
	for _, r := range medians {
		if r.Work == work && r.Callers == callers && r.Conns == 1 && r.Rate == 0 && r.Deadline == 0 {
			p = append(p, r)
		}
	}
	return p
}

func (p Point) named(name string) (measure.Result, error) {
	for _, r := range p {
		if r.System == name {
			return r, nil
		}
	}
	return measure.Result{}, fmt.Errorf("%s was not measured", name)
}

var errNoPeer = errors.New("no peer was measured")
