package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/yodelrpc/yodel/cmd/yodel/bench/load"
)

// A report is a result with what led to it.
type report struct {
	*load.Result
	command *command
	target  *target
	method  string
	broken  []string // limits, and what is wrong with them
}

func (r *report) print(w io.Writer) error {
	if r.command.json {
		return r.printJSON(w)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s: %s, %v\n\n", r.method, r.target.Target, r.loop(), short(int64(r.Elapsed)))
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	r.printCalls(table)
	if r.Latency.TotalCount() > 0 {
		r.printLatency(table)
	}
	_ = table.Flush()
	r.printHistogram(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// loop says how calls were made.
func (r *report) loop() string {
	connections := "a connection each"
	if n := r.target.connections; n > 0 {
		connections = plural(n, "connection")
	}
	if rate := r.command.plan.Rate; rate > 0 {
		return fmt.Sprintf("%v calls/s arriving, %s", rate, connections)
	}
	return plural(r.command.plan.Callers, "caller") + ", " + connections
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r *report) printCalls(w io.Writer) {
	fmt.Fprintf(w, "calls\t%d\n", r.Calls())
	fmt.Fprintf(w, "answers/s\t%.1f\n", r.Rate())
	fmt.Fprintf(w, "errors\t%d (%.4g%%)\n", r.Failed(), load.Percent(r.Failed(), r.Calls()))
	for _, f := range r.Errors {
		fmt.Fprintf(w, "\t%d %s, %s: %s\n", f.Count, f.Code, f.Outcome, f.Message)
	}
	for _, f := range r.Exceptions {
		fmt.Fprintf(w, "exceptions\t%d %s\n", f.Count, f.Exception)
	}
	if r.command.plan.Rate > 0 {
		fmt.Fprintf(w, "late\t%d\ndropped\t%d\n", r.Late, r.Dropped)
	}
	fmt.Fprintf(w, "sent\t%s\nreceived\t%s\n", size(r.Sent), size(r.Received))
}

func (r *report) printLatency(w io.Writer) {
	h := r.Latency
	fmt.Fprintf(w, "min\t%v\nmean\t%v\n", short(h.Min()), short(int64(h.Mean())))
	for _, p := range []float64{50, 90, 99, 99.9} {
		fmt.Fprintf(w, "p%v\t%v\n", p, short(h.ValueAtPercentile(p)))
	}
	fmt.Fprintf(w, "max\t%v\n", short(h.Max()))
}

// printHistogram draws a bar for each range of latencies.
func (r *report) printHistogram(w io.Writer) {
	const width = 50
	buckets := r.Buckets()
	var most int64 = 1
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	for i, b := range buckets {
		if i == 0 {
			fmt.Fprintln(w)
		}
		bar := strings.Repeat("#", int((b.Count*width+most-1)/most))
		fmt.Fprintf(w, "%7v - %-7v %9d %s\n", b.From, b.To, b.Count, bar)
	}
}

// short returns a time in nanoseconds, rounded to three digits.
func short(nanoseconds int64) time.Duration {
	d, unit := time.Duration(nanoseconds), time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

// size returns a number of bytes for people.
func size(n int64) string {
	f, unit := float64(n), 0
	for ; f >= 1000 && unit < 4; unit++ {
		f /= 1000
	}
	return fmt.Sprintf("%.3g %s", f, [...]string{"B", "kB", "MB", "GB", "TB"}[unit])
}
