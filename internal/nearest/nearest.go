// Package nearest finds the names that an unknown one was meant to be.
package nearest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// List lists up to five of the names, those most like name first, and says how many more there are; "none" if there is
// not one.
func List(name string, names []string) string {
	if len(names) == 0 {
		return "none"
	}
	name = name[:min(len(name), 64)]
	sorted := slices.Clone(names)
	distances := make(map[string]int, len(names)) // each is computed once, for strangers may ask often
	for _, n := range names {
		distances[n] = Distance(n, name)
	}
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(distances[a], distances[b]) })
	if more := len(sorted) - 5; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(sorted[:5], ", "), more)
	}
	return strings.Join(sorted, ", ")
}

// Distance is how many bytes have to be changed, added, taken out or swapped with the next to make b of a.
func Distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
