// Package report turns measurements into what people read: medians of rounds, Markdown tables, plots.
package report

import (
	"slices"

	"github.com/yodelrpc/yodel/bench/measure"
)

// A Run is what one command measured; it is what -json writes and plot reads.
type Run struct {
	Machine string           `json:"machine"`
	Rounds  int              `json:"rounds"`
	Results []measure.Result `json:"results"` // one for each measurement of each round
	Failed  []Failure        `json:"failed"`
}

// A Failure is a measurement that could not be taken.
type Failure struct {
	Spec   measure.Spec `json:"spec"`
	Reason string       `json:"reason"`
}

// Medians returns one result for each spec, in the order of their first appearance, of which each number is the median
// over the rounds.
func Medians(results []measure.Result) []measure.Result {
	rounds := map[measure.Spec][]measure.Result{}
	var order []measure.Spec
	for _, r := range results {
		if rounds[r.Spec] == nil {
			order = append(order, r.Spec)
		}
		rounds[r.Spec] = append(rounds[r.Spec], r)
	}
	medians := make([]measure.Result, len(order))
	for i, spec := range order {
		medians[i] = median(rounds[spec])
	}
	return medians
}

func median(rounds []measure.Result) measure.Result {
	m := rounds[0]
	of := func(get func(*measure.Result) *float64) {
		values := make([]float64, len(rounds))
		for i := range rounds {
			values[i] = *get(&rounds[i])
		}
		*get(&m) = middle(values)
	}
	of(func(r *measure.Result) *float64 { return &r.PerSec })
	of(func(r *measure.Result) *float64 { return &r.P50 })
	of(func(r *measure.Result) *float64 { return &r.P99 })
	of(func(r *measure.Result) *float64 { return &r.P999 })
	of(func(r *measure.Result) *float64 { return &r.IdleSize })
	for _, side := range []func(*measure.Result) *measure.Side{
		func(r *measure.Result) *measure.Side { return &r.Client },
		func(r *measure.Result) *measure.Side { return &r.Server },
	} {
		of(func(r *measure.Result) *float64 { return &side(r).CPU })
		of(func(r *measure.Result) *float64 { return &side(r).Allocs })
		of(func(r *measure.Result) *float64 { return &side(r).Writes })
		of(func(r *measure.Result) *float64 { return &side(r).Switches })
		of(func(r *measure.Result) *float64 { return &side(r).RSS })
	}
	return m
}

// middle returns the median of values, of which there is at least one.
func middle(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
