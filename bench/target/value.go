package target

import (
	"fmt"

	"github.com/yodelrpc/yodel/bench/measure"
)

// A metric is one number of a result with its unit.
type metric struct {
	of   func(measure.Result) float64
	unit string
}

func cpu() metric { return metric{of: measure.Result.CPU, unit: "us"} }
func calls() metric {
	return metric{of: func(r measure.Result) float64 { return r.PerSec }, unit: "calls/s"}
}
func median() metric { return metric{of: func(r measure.Result) float64 { return r.P50 }, unit: "us"} }

func cpuOfFloor(p Point) (Figure, error)    { return p.against(floor, cpu()) }
func cpuOfPlain(p Point) (Figure, error)    { return p.against(plain, cpu()) }
func medianOfPlain(p Point) (Figure, error) { return p.against(plain, median()) }
func callsOfGRPC(p Point) (Figure, error)   { return p.against(grpc, calls()) }

func cpuOfBestPeer(p Point) (Figure, error) {
	return p.againstBest(cpu(), func(a, b float64) bool { return a < b })
}

func callsOfBestPeer(p Point) (Figure, error) {
	return p.againstBest(calls(), func(a, b float64) bool { return a > b })
}

func clientAllocs(p Point) (Figure, error) {
	return p.alone(func(r measure.Result) float64 { return r.Client.Allocs })
}

func serverAllocs(p Point) (Figure, error) {
	return p.alone(func(r measure.Result) float64 { return r.Server.Allocs })
}

func idleSize(p Point) (Figure, error) {
	return p.alone(func(r measure.Result) float64 { return r.IdleSize / 1024 })
}

func (p Point) alone(of func(measure.Result) float64) (Figure, error) {
	s, err := p.named(subject)
	return Figure{Value: of(s), From: subject}, err
}

// against divides the subject's number by the other system's.
func (p Point) against(other string, m metric) (Figure, error) {
	s, err := p.named(subject)
	if err != nil {
		return Figure{}, err
	}
	o, err := p.named(other)
	if err != nil {
		return Figure{}, err
	}
	return ratio(s, o, m)
}

func ratio(s, other measure.Result, m metric) (Figure, error) {
	if m.of(other) == 0 {
		return Figure{}, fmt.Errorf("%s has 0 %s", other.System, m.unit)
	}
	from := fmt.Sprintf("%.4g %s against %.4g of %s", m.of(s), m.unit, m.of(other), other.System)
	return Figure{Value: m.of(s) / m.of(other), From: from}, nil
}

// againstBest divides the subject's number by that of the peer of which better holds against all others.
func (p Point) againstBest(m metric, better func(a, b float64) bool) (Figure, error) {
	s, err := p.named(subject)
	if err != nil {
		return Figure{}, err
	}
	var best *measure.Result
	for i := range p {
		if p[i].Peer && (best == nil || better(m.of(p[i]), m.of(*best))) {
			best = &p[i]
		}
	}
	if best == nil {
		return Figure{}, errNoPeer
	}
	return ratio(s, *best, m)
}
