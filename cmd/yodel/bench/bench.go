// Package bench is the subcommand "yodel bench": one call over and over, and how long it takes.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/bench/load"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/rpc"
)

// A command is the command line.
type command struct {
	client.Options
	plan        load.Plan
	connections int
	json        bool
	failIf      []string

	limits []load.Limit // what failIf says
}

func New() *cobra.Command {
	var c command
	cmd := &cobra.Command{
		Use:   "bench [flags] ADDRESS METHOD [NAME=VALUE... | JSON]",
		Short: "Call a method over and over and say how long it takes",
		Long: `Call a method over and over and say how long it takes.

ADDRESS, METHOD, the parameters and the flags of a client are those of yodel call; mux, which HOST:PORT alone means, and
basic need -f. Every call is the same, and every call is really made: try it on a service where that does no harm.

Without --rate, --concurrency callers make one call after another. With --rate, calls arrive at that rate whether or
not those before them have been answered, and the latency of each counts from the moment at which it was due.

Declared exceptions are answers, not errors. Ctrl-C ends the run early, and what was measured is printed.
The exit status is 1 if something that --fail-if names holds, or if no call was answered. What --fail-if can name:
  min mean max p50 p99.9 ...           a time, as in 10ms
  rate                                 answers a second, as in 1000/s
  errors exceptions dropped late       a number of calls, or their share, as in 0.1%`,
		Example: `  yodel bench -f divide.yodel 127.0.0.1:8000 divide num1=200 num2=100
  yodel bench -f divide.yodel -c 64 --duration 30s --ca ca.pem muxs://calc.example:8000 divide num1=200
  yodel bench --rate 500 --fail-if 'p99>10ms' --fail-if 'errors>0.1%' http://127.0.0.1:8000 divide num1=200`,
		Args: cli.AtLeast(2, "an address and a method"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.check(cmd); err != nil {
				return err
			}
			return c.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
	}
	c.addBenchFlags(cmd)
	return cmd
}

func (c *command) addBenchFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	c.AddFlags(cmd)
	f.IntVarP(&c.plan.Callers, "concurrency", "c", 16, "calls under way at any time")
	f.Float64Var(&c.plan.Rate, "rate", 0, "calls that arrive in a second, in place of --concurrency")
	f.IntVar(&c.plan.MaxInFlight, "max-in-flight", 1000, "with --rate: calls under way at most; others are dropped")
	f.DurationVar(&c.plan.Warmup, "warmup", time.Second, "how long to call before anything counts")
	f.DurationVar(&c.plan.Duration, "duration", 10*time.Second, "how long to call after that")
	f.Int64Var(&c.plan.Count, "count", 0, "how many calls to make after the warm-up, in place of --duration")
	f.IntVar(&c.connections, "connections", 0, "connections to share among the calls (default 1; http: one a call)")
	f.BoolVar(&c.json, "json", false, "print one JSON object")
	f.StringArrayVar(&c.failIf, "fail-if", nil, "what makes the exit status 1, as in 'p99>10ms' (repeatable)")
}

// check reads what the flags say, and refuses what makes no sense.
func (c *command) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	p := &c.plan
	switch {
	case given("rate") && given("concurrency"), given("duration") && given("count"):
		return cli.Usagef("--rate and --concurrency exclude each other, and so do --duration and --count")
	case given("rate") && !(0 < p.Rate && p.Rate <= 1e6):
		return cli.Usagef("--rate %v: write a number of calls a second above 0, up to 1000000", p.Rate)
	case given("max-in-flight") && !given("rate"):
		return cli.Usagef("--max-in-flight is for --rate; without that, --concurrency calls are under way")
	case given("count") && p.Count < 1:
		return cli.Usagef("--count %d: write 1 or more", p.Count)
	case p.Callers < 1:
		return cli.Usagef("--concurrency %d: write 1 or more", p.Callers)
	case p.MaxInFlight < 1:
		return cli.Usagef("--max-in-flight %d: write 1 or more", p.MaxInFlight)
	case given("connections") && c.connections < 1:
		return cli.Usagef("--connections %d: write 1 or more", c.connections)
	case p.Duration <= 0:
		return cli.Usagef("--duration is a time above 0, as in 10s")
	case p.Warmup < 0:
		return cli.Usagef("--warmup %v is below 0", p.Warmup)
	}
	if given("count") {
		p.Duration = 0
	}
	for _, text := range c.failIf {
		limit, err := load.ParseLimit(text)
		if err != nil {
			return cli.Usagef("--fail-if %v", err)
		}
		c.limits = append(c.limits, limit)
	}
	return nil
}

// run measures, prints the result, and returns an error if a limit is broken.
func (c *command) run(ctx context.Context, out, stderr io.Writer, args []string) error {
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
	// Waiting for less makes a call cheaper: calls end by their deadlines, and when t is closed.
	calls := rpc.WithMetadata(context.WithoutCancel(ctx), t.Metadata...)
	result := load.Run(ctx, plan, func(_ context.Context, caller int) load.Ending {
		return endingOf(t.call(calls, caller))
	})
	progress.end()
	report := &report{result, c, t, args[1], c.broken(result)}
	if err := report.print(out); err != nil {
		return err
	}
	return report.err(stderr)
}

// broken returns what is wrong with a result.
func (c *command) broken(r *load.Result) []string {
	var broken []string
	for _, limit := range c.limits {
		if text := limit.Broken(r); text != "" {
			broken = append(broken, text)
		}
	}
	return broken
}

// err returns an error if no call was answered or a limit is broken. It prints each such limit.
func (r *report) err(stderr io.Writer) error {
	if r.Answers() == 0 {
		return errors.New("no call was answered with a result or an exception")
	}
	for _, text := range r.broken {
		fmt.Fprintln(stderr, "yodel: failed:", text)
	}
	if len(r.broken) > 0 {
		return cli.ErrReported
	}
	return nil
}
