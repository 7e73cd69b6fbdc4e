package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/syntax"
)

// mostReserved is how many numbers one declaration may reserve.
const mostReserved = 1000

// protobuf keeps these field numbers for itself.
const (
	protobufFirst = 19000
	protobufLast  = 19999
)

// A scope is where numbers and names are unique: a struct, a union, an exception, an enum or a parameter list.
type scope struct {
	*file
	what      string // of the items: "field", "member", "value" or "parameter"
	owner     string // "the struct Point"
	union     bool
	exception bool
	reserved  []int            // sorted
	numbers   map[int64]string // to the name of the item that has it
	highest   int64            // of the numbers in use or reserved
	names     map[string]string
}

// readReserved gathers the numbers that the reserved clauses among the items name.
func (s *scope) readReserved(items []syntax.Item, least, most int64) {
	for _, item := range items {
		r, ok := item.(*syntax.Reserved)
		if !ok {
			continue
		}
		s.noAnnotations(&r.Node, "reserved")
		for _, one := range r.Ranges {
			s.reserve(one, least, most)
		}
	}
	slices.Sort(s.reserved)
	s.reserved = slices.Compact(s.reserved)
	if n := len(s.reserved); n > 0 {
		s.highest = int64(s.reserved[n-1])
	}
}

func (s *scope) reserve(r syntax.Range, least, most int64) {
	from, ok := s.number(r.From, least, most)
	to := from
	if ok && r.To != nil {
		to, ok = s.number(r.To, least, most)
	}
	switch {
	case !ok:
	case to < from:
		s.report(r.From.Pos, fmt.Sprintf("the range %d to %d is empty", from, to), fmt.Sprintf("write %d to %d", to, from))
	case to-from >= int64(mostReserved-len(s.reserved)):
		s.report(r.From.Pos, fmt.Sprintf("%s reserves more than %d numbers", s.owner, mostReserved),
			"reserve those alone that were in use")
	default:
		for n := from; n <= to; n++ {
			s.reserved = append(s.reserved, int(n))
		}
	}
}

// claimNumber reports a number that is reserved or that another item has.
func (s *scope) claimNumber(v *syntax.Value, n int64, name string) {
	s.highest = max(s.highest, n)
	remedy := fmt.Sprintf("write %d, which is free", s.highest+1)
	if _, found := slices.BinarySearch(s.reserved, int(n)); found {
		s.report(v.Pos, fmt.Sprintf("the number %d is reserved in %s", n, s.owner), remedy)
	}
	if other, taken := s.numbers[n]; taken {
		s.report(v.Pos, fmt.Sprintf("the number %d belongs to %s already", n, other), remedy)
		return
	}
	if s.numbers == nil {
		s.numbers = map[int64]string{}
	}
	s.numbers[n] = name
}

// claimName reports a name that generated code cannot tell from that of another item: one that differs in case and
// underscores at the most.
func (s *scope) claimName(n syntax.Name) {
	if n.Text == "" {
		return
	}
	if !isLetter(n.Text[0]) {
		s.report(n.Pos, fmt.Sprintf("the name %s does not begin with a letter", n.Text), "begin it with a letter")
	}
	folded := fold(n.Text)
	other, taken := s.names[folded]
	switch {
	case taken && other == n.Text:
		s.report(n.Pos, fmt.Sprintf("%s has a %s %s already", s.owner, s.what, n.Text), "rename one of them")
	case taken:
		s.report(n.Pos, fmt.Sprintf("generated code cannot tell %s from %s", n.Text, other),
			"rename one of them, so that they differ in more than case and underscores")
	}
	if s.names == nil {
		s.names = map[string]string{}
	}
	s.names[folded] = n.Text
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
