package check

import "strings"

// Finding the nearest name takes time, which hostile definitions must not spend: longest is the length of the longest
// name that is compared with others, and mostSearches how often that is done for one run.
const (
	longest      = 64
	mostSearches = 100
)

// A nearest looks for the known name that differs least from an unknown one.
type nearest struct {
	to       string
	found    string
	distance int
	off      bool // find nothing
}

func (c *checker) nearest(to string) *nearest {
	c.searches++
	return &nearest{to: to, off: c.searches > mostSearches}
}

// try offers a name; what is the text to suggest for it.
func (n *nearest) try(name, what string) {
	limit := min(2, (len(n.to)+1)/4) // one letter in four may be wrong
	if n.found != "" {
		limit = n.distance - 1
	}
	if n.off || limit < 0 {
		return
	}
	if strings.EqualFold(name, n.to) {
		n.found, n.distance = what, 0
		return
	}
	if d := distance(n.to, name, limit); d <= limit {
		n.found, n.distance = what, d
	}
}

// distance returns how many letters must be put in, left out, replaced or swapped with their neighbour to turn one
// name into the other; limit+1 if it is more than limit.
func distance(a, b string, limit int) int {
	if len(a) > longest || len(b) > longest || max(len(a)-len(b), len(b)-len(a)) > limit {
		return limit + 1
	}
	var rows [3][longest + 1]int // the row before the last, the last, the current
	for j := range len(b) + 1 {
		rows[2][j] = j
	}
	for i := range len(a) {
		rows[0], rows[1] = rows[1], rows[2]
		rows[2][0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			d := min(rows[1][j+1]+1, rows[2][j]+1, rows[1][j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, rows[0][j-1]+1)
			}
			rows[2][j+1] = d
		}
	}
	return min(rows[2][len(b)], limit+1)
}
