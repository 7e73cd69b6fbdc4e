package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/yodelrpc/yodel/bench/measure"
)

// TestMain lets the tests' own binary be the client and server processes, as the real one is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "client" || os.Args[1] == "server") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestSuiteMeasuresInTwoProcesses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want int // results
	}{
		{"closed loop", []string{"-work", "divide,echo1k,bimodal,connect", "-callers", "1,2"}, 8},
		{"open loop", []string{"-work", "divide", "-callers", "4", "-open", "500"}, 1},
		{"a few connections and rounds",
			[]string{"-work", "echo64k", "-callers", "4", "-conns", "2", "-rounds", "2"}, 2},
		{"deadlines", []string{"-work", "divide", "-callers", "3", "-deadline", "1m"}, 1},
		{"idle connections", []string{"-work", "idle", "-callers", "20"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "run.json")
			args := append([]string{"-systems", "floor", "-rounds", "1", "-time", "50ms", "-json", file}, test.args...)
			if err := run(t.Context(), args); err != nil {
				t.Fatal(err)
			}
			measured, err := load(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(measured.Results) != test.want || len(measured.Failed) != 0 {
				t.Fatalf("%d results, want %d; failed: %v", len(measured.Results), test.want, measured.Failed)
			}
			calls := int64(0) // of all together: on a busy machine one short window may see none
			for _, r := range measured.Results {
				calls += r.Calls
				if r.System != "floor" || r.Version == "" {
					t.Errorf("measured %+v", r)
				}
			}
			if calls == 0 {
				t.Error("no call was measured")
			}
		})
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"unknown command": {"mesure"},
		"unknown system":  {"-systems", "floor,gprc"},
		"unknown work":    {"-work", "multiply"},
		"no callers":      {"-callers", "1,,2"},
		"zero callers":    {"-callers", "0"},
		"no rounds":       {"-rounds", "0"},
		"negative rate":   {"-open", "-1"},
		"no time to call": {"-deadline", "-1s"},
		"plot of nothing": {"plot"},
		"server of none":  {"server", "nothing", "divide"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(t.Context(), args); err == nil {
				t.Errorf("%q was taken", args)
			}
		})
	}
}

func TestAMeasurementThatFailsIsReportedAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	specs := []measure.Spec{
		{System: "floor", Work: "nothing", Callers: 1, Conns: 1, Time: 1},
		{System: "floor", Work: "divide", Callers: 1, Conns: 1, Time: 1},
	}
	run := measureAll(t.Context(), specs, 2, t.Output())
	if len(run.Failed) != 1 || len(run.Results) != 2 {
		t.Errorf("%d failed, want 1; %d results, want 2: %+v", len(run.Failed), len(run.Results), run.Failed)
	}
}

func TestCheckJudgesASavedRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "run.json")
	if err := os.WriteFile(file, []byte(`{"machine": "none", "rounds": 1, "results": []}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"check", "-from", file, "-rounds", "1", "-time", "20us"}); err == nil {
		t.Error("a run without measurements meets all targets")
	}
}
