package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/idl/schema"
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
	written   map[int64]bool   // the numbers of all items, and those reserved
	proposed  int64            // the last number that was proposed for one that is wrong
	names     map[string]string
}

// readReserved gathers the numbers that the reserved clauses among the items name.
func (s *scope) readReserved(items []syntax.Item, least, most int64) {
	s.readWritten(items)
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
	for _, n := range s.reserved {
		s.write(int64(n))
	}
}

// readWritten gathers the numbers of all items, good or not, so that one that is free can be proposed for any of them.
func (s *scope) readWritten(items []syntax.Item) {
	s.written = map[int64]bool{}
	for _, item := range items {
		var v *syntax.Value
		switch item := item.(type) {
		case *syntax.Field:
			v = item.Number
		case *syntax.EnumValue:
			v = item.Number
		default:
			continue
		}
		if n, err := strconv.ParseInt(v.Text, 0, 64); err == nil {
			s.write(n)
		}
	}
}

// write keeps a number from being proposed. Proposals follow the highest of those that every protocol carries.
func (s *scope) write(n int64) {
	s.written[n] = true
	if n < schema.MaxBasicNumber {
		s.proposed = max(s.proposed, n)
	}
}

// free proposes a number that nothing has, another one each time.
func (s *scope) free() int64 {
	for s.proposed++; s.written[s.proposed] || isProtobufs(s.proposed); {
		s.proposed++
	}
	return s.proposed
}

// isProtobufs reports whether a number is one of those that protobuf keeps for itself.
func isProtobufs(n int64) bool { return protobufFirst <= n && n <= protobufLast }

func (s *scope) reserve(r syntax.Range, least, most int64) {
	from, ok := s.number(r.From, least, most)
	to := from
	if ok && r.To != nil {
		to, ok = s.number(r.To, least, most)
	}
	switch {
	case !ok:
	case to < from:
		s.report(r.From.Pos, fmt.Sprintf("the range %d to %d is empty", from, to),
			fmt.Sprintf("write %d to %d", to, from))
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
	if _, found := slices.BinarySearch(s.reserved, int(n)); found {
		s.report(v.Pos, fmt.Sprintf("the number %d is reserved in %s", n, s.owner),
			fmt.Sprintf("write %d, which is free", s.free()))
	}
	if other, taken := s.numbers[n]; taken {
		s.report(v.Pos, fmt.Sprintf("the number %d belongs to %s already", n, other),
			fmt.Sprintf("write %d, which is free", s.free()))
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
	if c := n.Text[0]; c < utf8.RuneSelf && !isLetter(c) {
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
