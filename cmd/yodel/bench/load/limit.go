package load

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Limit is a bound that a result is held to: "p99>10ms" is what must not be.
type Limit struct {
	text   string
	metric metric
	above  bool // the limit is broken above the bound, else below it
	bound  float64
}

// A metric is a figure of a result, in nanoseconds, calls a second, calls or percent.
type metric struct {
	name string
	of   func(*Result) float64
	show func(float64) string
}

// ParseLimit reads METRIC>BOUND or METRIC<BOUND. The metrics are min, mean, max and percentiles such as p50 and p99.9,
// with a bound such as 10ms; rate, with one such as 1000/s; and errors, exceptions, dropped and late, with a number of
// calls or a share such as 0.1%.
func ParseLimit(text string) (Limit, error) {
	i := strings.IndexAny(text, "<>")
	if i < 0 {
		return Limit{}, fmt.Errorf("%q has neither < nor >; write it as p99>10ms", text)
	}
	name, bound := strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
	l := Limit{text: text, above: text[i] == '>'}
	var err error
	if l.metric, l.bound, err = parseMetric(name, bound); err != nil {
		return Limit{}, fmt.Errorf("%q: %w", text, err)
	}
	return l, nil
}

var counts = map[string]func(*Result) int64{
	"errors":     (*Result).Failed,
	"exceptions": func(r *Result) int64 { return total(r.Exceptions) },
	"dropped":    func(r *Result) int64 { return r.Dropped },
	"late":       func(r *Result) int64 { return r.Late },
}

func parseMetric(name, bound string) (metric, float64, error) {
	if count, ok := counts[name]; ok {
		return parseCount(name, count, bound)
	}
	if name == "rate" {
		f, err := strconv.ParseFloat(strings.TrimSuffix(bound, "/s"), 64)
		if err != nil || !(f >= 0) {
			return metric{}, 0, fmt.Errorf("the bound %q is not a number of calls a second; write it as 1000/s", bound)
		}
		return metric{name, (*Result).Rate, func(f float64) string { return number(f) + "/s" }}, f, nil
	}
	of, err := latencyMetric(name)
	if err != nil {
		return metric{}, 0, err
	}
	d, err := time.ParseDuration(bound)
	if err != nil || d < 0 {
		return metric{}, 0, fmt.Errorf("the bound %q is not a time; write it as 10ms", bound)
	}
	show := func(f float64) string { return time.Duration(f).String() }
	return metric{name, of, show}, float64(d), nil
}

func latencyMetric(name string) (func(*Result) float64, error) {
	switch name {
	case "min":
		return func(r *Result) float64 { return float64(r.Latency.Min()) }, nil
	case "mean":
		return func(r *Result) float64 { return r.Latency.Mean() }, nil
	case "max":
		return func(r *Result) float64 { return float64(r.Latency.Max()) }, nil
	}
	digits, ok := strings.CutPrefix(name, "p")
	p, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(0 < p && p <= 100) {
		return nil, errors.New(
			"there is no such figure; there is min, mean, max, p50, p99.9 and so on, rate, errors, " +
				"exceptions, dropped, late")
	}
	return func(r *Result) float64 { return float64(r.Latency.ValueAtPercentile(p)) }, nil
}

// parseCount reads a bound on a number of calls, or on their share in all calls that were to be made.
func parseCount(name string, count func(*Result) int64, bound string) (metric, float64, error) {
	m := metric{name, func(r *Result) float64 { return float64(count(r)) }, number}
	digits, share := strings.CutSuffix(bound, "%")
	if share {
		m.of = func(r *Result) float64 { return Percent(count(r), r.Calls()+r.Dropped) }
		m.show = func(f float64) string { return number(f) + "%" }
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(f >= 0) {
		return metric{}, 0, fmt.Errorf("the bound %q is not a number of calls or a share; write it as 10 or 0.1%%",
			bound)
	}
	return m, f, nil
}

// Percent returns n's share in all, in percent; 0 of 0 is 0.
func Percent(n, all int64) float64 { return 100 * float64(n) / float64(max(all, 1)) }

// number writes f with four digits after the point at the most.
func number(f float64) string { return strconv.FormatFloat(math.Round(f*1e4)/1e4, 'f', -1, 64) }

// Broken returns what is wrong with the result, or "" if it keeps the limit.
func (l Limit) Broken(r *Result) string {
	value := l.metric.of(r)
	if l.above && value > l.bound || !l.above && value < l.bound {
		return fmt.Sprintf("%s: %s is %s", l.text, l.metric.name, l.metric.show(value))
	}
	return ""
}
