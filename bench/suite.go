package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/bench/measure"
	"github.com/yodelrpc/yodel/bench/report"
)

// A suite is what to measure: every combination of systems, works, callers and connections.
type suite struct {
	systems []string
	works   []string
	callers []int
	conns   []int
	rate    float64
	rounds  int
	time    time.Duration

	deadline time.Duration
}

func runSuite(ctx context.Context, args []string) error {
	s, out, err := parseSuite(args)
	if err != nil {
		return err
	}
	results := measureAll(ctx, s.specs(), s.rounds, os.Stderr)
	return out.write(results)
}

func parseSuite(args []string) (suite, output, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	systems := flags.String("systems", "", "systems to compare, separated by commas; all if empty; see list")
	works := flags.String("work", "divide,echo1k", "what callers ask for; see list")
	callers := flags.String("callers", "1,64,512", "how many callers at once")
	conns := flags.String("conns", "1", "connections that the callers share, where a system shares them")
	rounds := flags.Int("rounds", 3, "rounds, of which the tables show the medians")
	window := flags.Duration("time", time.Second, "length of each measurement")
	rate := flags.Float64("open", 0, "calls a second of an open loop; a closed loop if 0")
	deadline := flags.Duration("deadline", 0,
		"deadline that callers give each call with context.WithTimeout; none if 0")
	var out output
	flags.StringVar(&out.json, "json", "", "file to save the measurements in, for plot and check")
	flags.StringVar(&out.plot, "plot", "", "folder to draw plots in, as SVG and PNG")
	if err := flags.Parse(args); err != nil {
		return suite{}, output{}, err
	}
	s := suite{works: strings.Split(*works, ","), rate: *rate, rounds: *rounds, time: *window, deadline: *deadline}
	s.systems = systemNames(allSystems())
	if *systems != "" {
		s.systems = strings.Split(*systems, ",")
	}
	var err error
	if s.callers, err = numbers("-callers", *callers); err != nil {
		return suite{}, output{}, err
	}
	if s.conns, err = numbers("-conns", *conns); err != nil {
		return suite{}, output{}, err
	}
	return s, out, s.check()
}

// check finds what could not be measured before anything is.
func (s suite) check() error {
	if s.rounds < 1 || s.time <= 0 || s.rate < 0 || s.deadline < 0 {
		return fmt.Errorf("-rounds %d, -time %v, -open %v, -deadline %v: give positive ones",
			s.rounds, s.time, s.rate, s.deadline)
	}
	for _, name := range s.systems {
		if _, err := findSystem(name); err != nil {
			return err
		}
	}
	for _, name := range s.works {
		if _, err := measure.FindWork(name); err != nil {
			return err
		}
	}
	return nil
}

func numbers(flag, list string) ([]int, error) {
	var all []int
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s %s: %q is not a number above 0", flag, list, text)
		}
		all = append(all, n)
	}
	return all, nil
}

// specs lists the measurements of one round; what is compared stands side by side.
func (s suite) specs() []measure.Spec {
	var specs []measure.Spec
	for _, work := range s.works {
		for _, callers := range s.callers {
			for _, conns := range s.conns {
				for _, system := range s.systems {
					specs = append(specs, measure.Spec{
						System: system, Work: work, Callers: callers, Conns: conns, Rate: s.rate, Time: s.time,
						Deadline: s.deadline,
					})
				}
			}
		}
	}
	return specs
}

// measureAll takes the measurements round after round and tells progress how far it is. A measurement that fails is
// not tried again in later rounds.
func measureAll(ctx context.Context, specs []measure.Spec, rounds int, progress io.Writer) report.Run {
	all := report.Run{Machine: machine(), Rounds: rounds}
	failed := map[measure.Spec]bool{}
	for round := range rounds {
		for i, spec := range specs {
			if failed[spec] || ctx.Err() != nil {
				continue
			}
			fmt.Fprintf(progress, "\r\033[Kround %d of %d, %d of %d: %s %s",
				round+1, rounds, i+1, len(specs), spec.System, spec.Work)
			result, err := measureApart(ctx, spec)
			if err != nil {
				failed[spec] = true
				all.Failed = append(all.Failed, report.Failure{Spec: spec, Reason: err.Error()})
				continue
			}
			all.Results = append(all.Results, result)
		}
	}
	fmt.Fprint(progress, "\r\033[K")
	return all
}

func machine() string {
	return fmt.Sprintf("%s, %s/%s, %d cores, loopback", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU())
}
