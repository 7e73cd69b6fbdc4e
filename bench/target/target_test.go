package target_test

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/bench/measure"
	"github.com/yodelrpc/yodel/bench/target"
)

// point is the results of one target's work and load: CPU, calls a second, median and allocations are all x.
func point(t target.Target, systems map[string]float64) []measure.Result {
	var results []measure.Result
	for name, x := range systems {
		results = append(results, measure.Result{
			Spec:     measure.Spec{System: name, Work: t.Work, Callers: t.Callers, Conns: 1},
			Peer:     name == "grpc-go" || name == "arpc",
			PerSec:   x,
			P50:      x,
			Client:   measure.Side{CPU: x / 2, Allocs: x},
			Server:   measure.Side{CPU: x / 2, Allocs: x},
			IdleSize: x * 1024,
		})
	}
	return results
}

func find(t *testing.T, start string) target.Target {
	t.Helper()
	for _, candidate := range target.All() {
		if strings.HasPrefix(candidate.Text, start) {
			return candidate
		}
	}
	t.Fatalf("no target begins with %q", start)
	return target.Target{}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		target  string
		systems map[string]float64
		value   float64
		met     bool
	}{
		{"a fifth of the best peer", "64 callers, one connection: CPU a call, of the best",
			map[string]float64{"yodel-mux": 3, "arpc": 15, "grpc-go": 26, "floor": 2}, 0.2, true},
		{"more than a fifth", "64 callers, one connection: CPU a call, of the best",
			map[string]float64{"yodel-mux": 3.1, "arpc": 15, "grpc-go": 26}, 3.1 / 15, false},
		{"over twice the floor", "64 callers, one connection: CPU a call, of the floor",
			map[string]float64{"yodel-mux": 5, "floor": 2}, 2.5, false},
		{"eight times gRPC", "512 callers: calls a second",
			map[string]float64{"yodel-mux": 80, "grpc-go": 10, "arpc": 50}, 8, true},
		{"the fastest peer with large messages", "1 MiB echo, 4 callers: MB/s",
			map[string]float64{"yodel-mux": 45, "grpc-go": 10, "arpc": 50, "plain": 90}, 0.9, false},
		{"no allocation", "allocations a call at the client", map[string]float64{"yodel-mux": 0.01}, 0.01, true},
		{"idle connections too large", "10,000 idle", map[string]float64{"yodel-mux": 6.5}, 6.5, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			goal := find(t, test.target)
			verdict := goal.Judge(point(goal, test.systems))
			if verdict.Missing != nil {
				t.Fatal(verdict.Missing)
			}
			if verdict.Figure.Value != test.value || verdict.Met() != test.met {
				t.Errorf("%v, met %v; want %v, met %v", verdict.Figure, verdict.Met(), test.value, test.met)
			}
		})
	}
}

func TestATargetWithoutMeasurementsIsNotMet(t *testing.T) {
	t.Parallel()
	for _, goal := range target.All() {
		for _, systems := range []map[string]float64{{"arpc": 1, "floor": 1, "plain": 1, "grpc-go": 1}, nil} {
			verdict := goal.Judge(point(goal, systems))
			if verdict.Missing == nil || verdict.Met() {
				t.Errorf("%s: met %v without the subject's measurement", goal.Text, verdict.Met())
			}
		}
	}
}

func TestOtherLoadsAreNotTakenForTheTargets(t *testing.T) {
	t.Parallel()
	goal := find(t, "10,000 idle")
	results := point(goal, map[string]float64{"yodel-mux": 1})
	results[0].Callers = 9_999
	if verdict := goal.Judge(results); verdict.Missing == nil {
		t.Errorf("judged by %v", verdict.Figure)
	}
}
