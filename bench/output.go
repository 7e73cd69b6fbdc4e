package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/yodelrpc/yodel/bench/measure"
	"github.com/yodelrpc/yodel/bench/report"
)

// An output says where a run goes besides standard output; nowhere else if empty.
type output struct {
	json string
	plot string
}

func (o output) write(run report.Run) error {
	if err := run.Write(os.Stdout); err != nil {
		return err
	}
	if o.json != "" {
		if err := save(o.json, run); err != nil {
			return err
		}
	}
	if o.plot != "" {
		return report.Plot(run, o.plot)
	}
	return nil
}

func save(path string, run report.Run) error {
	text, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}

func load(path string) (report.Run, error) {
	var run report.Run
	text, err := os.ReadFile(path)
	if err != nil {
		return run, err
	}
	if err := json.Unmarshal(text, &run); err != nil {
		return run, fmt.Errorf("%s: %w", path, err)
	}
	return run, nil
}

func runPlot(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("plot %q: give a file that -json wrote and a folder for the plots", args)
	}
	run, err := load(args[0])
	if err != nil {
		return err
	}
	return report.Plot(run, args[1])
}

func runList() error {
	var text strings.Builder
	rows := [][]string{{"system", "version", "set-up"}}
	for _, s := range allSystems() {
		rows = append(rows, []string{s.Name, s.Version(), s.Setup})
	}
	report.Table(&text, rows)
	rows = [][]string{{"work", "what callers ask for"}}
	for _, w := range measure.Works() {
		rows = append(rows, []string{w.Name, w.Help})
	}
	text.WriteByte('\n')
	report.Table(&text, rows)
	_, err := os.Stdout.WriteString(text.String())
	return err
}
