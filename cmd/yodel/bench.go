package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/load"
)

// A benchCommand is the command line of "yodel bench".
type benchCommand struct {
	callCommand // its file and timeout
	plan        load.Plan
	connections int
	json        bool
	failIf      []string

	limits []load.Limit // what failIf says
}

func newBench() *cobra.Command {
	var c benchCommand
	cmd := &cobra.Command{
		Use:   "bench [flags] ADDRESS METHOD [NAME=VALUE... | JSON]",
		Short: "Call a method over and over and say how long it takes",
		Long: `Call a method over and over and say how long it takes.

ADDRESS, METHOD and the parameters are those of yodel call, and mux://HOST:PORT is an address too. mux:// and basic://
need -f. Every call is the same, and every call is really made: try it on a service where that does no harm.

Without --rate, --concurrency callers make one call after another. With --rate, calls arrive at that rate whether or
not those before them have been answered, and the latency of each counts from the moment at which it was due.

Declared exceptions are answers, not errors. Ctrl-C ends the run early, and what was measured is printed.
The exit status is 1 if something that --fail-if names holds, or if no call was answered. What --fail-if can name:
  min mean max p50 p99.9 ...           a time, as in 10ms
  rate                                 answers a second, as in 1000/s
  errors exceptions dropped late       a number of calls, or their share, as in 0.1%`,
		Example: `  yodel bench 127.0.0.1:8000 divide num1=200 num2=100
  yodel bench -f divide.yodel -c 64 --duration 30s mux://127.0.0.1:8000 divide num1=200
  yodel bench --rate 500 --fail-if 'p99>10ms' --fail-if 'errors>0.1%' http://127.0.0.1:8000 divide num1=200`,
		Args: atLeast(2, "an address and a method"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.check(cmd); err != nil {
				return err
			}
			return c.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
	}
	c.addFlags(cmd)
	return cmd
}

func (c *benchCommand) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&c.file, "file", "f", "", "definition of the method")
	f.IntVarP(&c.plan.Callers, "concurrency", "c", 16, "calls under way at any time")
	f.Float64Var(&c.plan.Rate, "rate", 0, "calls that arrive in a second, in place of --concurrency")
	f.IntVar(&c.plan.MaxInFlight, "max-in-flight", 1000, "with --rate: calls under way at most; others are dropped")
	f.DurationVar(&c.plan.Warmup, "warmup", time.Second, "how long to call before anything counts")
	f.DurationVar(&c.plan.Duration, "duration", 10*time.Second, "how long to call after that")
	f.Int64Var(&c.plan.Count, "count", 0, "how many calls to make after the warm-up, in place of --duration")
	f.IntVar(&c.connections, "connections", 0, "connections to share among the calls (default 1; http: one a call)")
	f.DurationVar(&c.timeout, "timeout", 10*time.Second, "how long a call waits for its answer")
	f.BoolVar(&c.json, "json", false, "print one JSON object")
	f.StringArrayVar(&c.failIf, "fail-if", nil, "what makes the exit status 1, as in 'p99>10ms' (repeatable)")
	_ = cmd.MarkFlagFilename("file", "yodel")
}

// check reads what the flags say, and refuses what makes no sense.
func (c *benchCommand) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	p := &c.plan
	switch {
	case given("rate") && given("concurrency"), given("duration") && given("count"):
		return usagef("--rate and --concurrency exclude each other, and so do --duration and --count")
	case given("rate") && !(0 < p.Rate && p.Rate <= 1e6):
		return usagef("--rate %v: write a number of calls a second above 0, up to 1000000", p.Rate)
	case given("max-in-flight") && !given("rate"):
		return usagef("--max-in-flight is for --rate; without that, --concurrency calls are under way")
	case given("count") && p.Count < 1, p.Callers < 1, p.MaxInFlight < 1, given("connections") && c.connections < 1:
		return usagef("--concurrency, --max-in-flight, --count and --connections are 1 or more")
	case p.Duration <= 0, c.timeout <= 0:
		return usagef("--duration and --timeout are times above 0, as in 10s")
	case p.Warmup < 0:
		return usagef("--warmup %v is below 0", p.Warmup)
	}
	if given("count") {
		p.Duration = 0
	}
	for _, text := range c.failIf {
		limit, err := load.ParseLimit(text)
		if err != nil {
			return usagef("--fail-if %v", err)
		}
		c.limits = append(c.limits, limit)
	}
	return nil
}

// run measures, prints the result, and returns an error if a limit is broken.
func (c *benchCommand) run(ctx context.Context, out, stderr io.Writer, args []string) error {
	t, err := c.target(args[0], args[1], args[2:])
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.connect(ctx); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, t.close)() // for calls that are under way
	progress := newProgress(stderr)
	plan := c.plan
	plan.Traffic, plan.Progress = t.traffic.bytes, progress.print
	calls := context.WithoutCancel(ctx) // waiting for less makes a call cheaper
	result := load.Run(ctx, plan, func(_ context.Context, caller int) load.Ending {
		return endingOf(t.call(calls, caller, time.Now().Add(c.timeout)))
	})
	progress.end()
	report := &benchReport{result, c, t, args[1], c.broken(result)}
	if err := report.print(out); err != nil {
		return err
	}
	return report.err(stderr)
}

// broken returns what is wrong with a result.
func (c *benchCommand) broken(r *load.Result) []string {
	var broken []string
	for _, limit := range c.limits {
		if text := limit.Broken(r); text != "" {
			broken = append(broken, text)
		}
	}
	return broken
}

// err returns an error if no call was answered or a limit is broken. It prints each such limit.
func (r *benchReport) err(stderr io.Writer) error {
	if r.Answers() == 0 {
		return errors.New("no call was answered with a result or an exception")
	}
	for _, text := range r.broken {
		fmt.Fprintln(stderr, "yodel: failed:", text)
	}
	if len(r.broken) > 0 {
		return errReported
	}
	return nil
}
