package dynamic

import (
	"fmt"
	"slices"
	"strings"
)

// nearest lists up to five of the names, those most like name first.
func nearest(name string, names []string) string {
	if len(names) == 0 {
		return "none"
	}
	name = name[:min(len(name), 64)]
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return distance(a, name) - distance(b, name) })
	if more := len(sorted) - 5; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(sorted[:5], ", "), more)
	}
	return strings.Join(sorted, ", ")
}

// distance is the Levenshtein distance between a and b, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// quote returns a stranger's text for an error: quoted, escaped, and cut to 64 bytes.
func quote(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%q… (%d bytes)", s[:64], len(s))
	}
	return fmt.Sprintf("%q", s)
}
