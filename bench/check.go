package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/bench/codec"
	"github.com/yodelrpc/yodel/bench/measure"
	"github.com/yodelrpc/yodel/bench/report"
	"github.com/yodelrpc/yodel/bench/system"
	"github.com/yodelrpc/yodel/bench/target"
)

// runCheck measures what the targets speak of, or reads it, and fails if one of them is not met.
func runCheck(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench check", flag.ContinueOnError)
	rounds := flags.Int("rounds", 3, "rounds, of which the medians are judged")
	window := flags.Duration("time", time.Second, "length of each measurement")
	from := flags.String("from", "", "file that -json wrote, to be judged instead of measuring")
	to := flags.String("json", "", "file to save the measurements in")
	if err := flags.Parse(args); err != nil {
		return err
	}
	calls, err := callsToJudge(ctx, *from, *rounds, *window)
	if err != nil {
		return err
	}
	if *to != "" {
		if err := save(*to, calls); err != nil {
			return err
		}
	}
	codecs, err := codec.Compare(*rounds, *window/20)
	if err != nil {
		return err
	}
	verdicts := append(judge(calls), minimalClient(ctx))
	return tell(calls, append(verdicts, codecs...))
}

func callsToJudge(ctx context.Context, from string, rounds int, window time.Duration) (report.Run, error) {
	if from != "" {
		return load(from)
	}
	return measureAll(ctx, targetSpecs(window), rounds, os.Stderr), nil
}

// targetSpecs lists the measurements that the targets need, each once.
func targetSpecs(window time.Duration) []measure.Spec {
	var specs []measure.Spec
	seen := map[measure.Spec]bool{}
	for _, t := range target.All() {
		for _, s := range allSystems() {
			spec := measure.Spec{System: s.Name, Work: t.Work, Callers: t.Callers, Conns: 1, Time: window}
			if seen[spec] || t.Alone && s.Role != system.Subject {
				continue
			}
			seen[spec] = true
			specs = append(specs, spec)
		}
	}
	return specs
}

func judge(run report.Run) []target.Verdict {
	medians := report.Medians(run.Results)
	var verdicts []target.Verdict
	for _, t := range target.All() {
		verdicts = append(verdicts, t.Judge(medians))
	}
	return verdicts
}

// tell prints the verdicts and returns an error that counts those not met.
func tell(run report.Run, verdicts []target.Verdict) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s. Medians of %d rounds.\n\n", run.Machine, run.Rounds)
	rows := [][]string{{"target", "limit", "measured", "met", "from"}}
	short := 0
	for _, v := range verdicts {
		rows = append(rows, verdictRow(v))
		if !v.Met() {
			short++
		}
	}
	report.Table(&text, rows)
	if _, err := os.Stdout.WriteString(text.String()); err != nil {
		return err
	}
	if short > 0 {
		return fmt.Errorf("%d of %d targets are not met", short, len(verdicts))
	}
	return nil
}

func verdictRow(v target.Verdict) []string {
	limit := fmt.Sprintf("at most %.3g", v.Limit)
	if v.AtLeast {
		limit = fmt.Sprintf("at least %.3g", v.Limit)
	}
	if v.Missing != nil {
		return []string{v.Text, limit, "", "no", v.Missing.Error()}
	}
	met := "yes"
	if !v.Met() {
		met = "no"
	}
	return []string{v.Text, limit, fmt.Sprintf("%.3g", v.Figure.Value), met, v.Figure.From}
}
