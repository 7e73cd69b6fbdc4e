package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/bench/measure"
	"github.com/yodelrpc/yodel/bench/report"
)

func result(system string, callers int, perSec float64) measure.Result {
	return measure.Result{
		Spec:    measure.Spec{System: system, Work: "divide", Callers: callers, Conns: 1},
		Version: "v1.2.3",
		Calls:   1,
		PerSec:  perSec,
		P50:     perSec * 2,
		P99:     perSec * 4,
		Client:  measure.Side{CPU: 1.25, Allocs: 2, RSS: 10e6},
		Server:  measure.Side{CPU: 2.5, Writes: 0.06, RSS: 20e6},
	}
}

func TestMediansAreOfEachNumberOverTheRounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rounds []float64
		want   float64
	}{
		{"one round", []float64{7}, 7},
		{"an odd number of rounds", []float64{900, 1, 5}, 5},
		{"an even number of rounds", []float64{4, 1, 9, 2}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var results []measure.Result
			for _, perSec := range test.rounds {
				results = append(results, result("a", 1, perSec), result("b", 1, 2*perSec))
			}
			medians := report.Medians(results)
			if len(medians) != 2 || medians[0].System != "a" || medians[1].System != "b" {
				t.Fatalf("medians of %+v, want those of a and b", medians)
			}
			if got := medians[0].PerSec; got != test.want {
				t.Errorf("median %v, want %v", got, test.want)
			}
			if got := medians[1].P50; got != 4*test.want {
				t.Errorf("median of the p50s %v, want %v", got, 4*test.want)
			}
		})
	}
}

func TestMediansLeaveTheRoundsAsTheyAre(t *testing.T) {
	t.Parallel()
	results := []measure.Result{result("a", 1, 3), result("a", 1, 1), result("a", 1, 2)}
	report.Medians(results)
	if results[0].PerSec != 3 || results[1].PerSec != 1 || results[2].PerSec != 2 {
		t.Errorf("the rounds became %+v", results)
	}
}

func TestPlot(t *testing.T) {
	t.Parallel()
	idle := result("a", 10_000, 0)
	idle.Work = "idle"
	run := report.Run{Rounds: 1, Results: []measure.Result{result("a", 64, 1), result("b", 64, 2), idle}}
	folder := filepath.Join(t.TempDir(), "plots")
	if err := report.Plot(run, folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"divide-64-callers-1-connection-closed-loop-cpu.svg",
		"divide-64-callers-1-connection-closed-loop-p99.png",
		"idle-10000-connections-size.svg",
	} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Size() == 0 {
			t.Errorf("%s was not drawn: %v", name, err)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	idle := result("a", 10_000, 0)
	idle.Work, idle.IdleSize = "idle", 4096
	failed := measure.Spec{System: "c", Work: "divide", Callers: 1, Conns: 2}
	run := report.Run{
		Machine: "2 cores",
		Rounds:  1,
		Results: []measure.Result{result("floor", 64, 412345.6), result("b", 64, 8), result("floor", 1, 30), idle},
		Failed:  []report.Failure{{Spec: failed, Reason: "a | b\nc"}},
	}
	var text strings.Builder
	if err := run.Write(&text); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "tables.md"))
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("tables:\n%s\nwant:\n%s", text.String(), want)
	}
}
