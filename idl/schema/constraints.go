package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Constraints are what the values of a field have to keep to. Of a list or a map all but Items hold for each element,
// of a stream all hold for each element.
type Constraints struct {
	Min     *Value // the least value; nil for none. Of numbers, timestamps and durations
	Max     *Value // the greatest value; nil for none
	Len     *Range // how many characters a string has, or bytes a bytes; nil for any
	Items   *Range // how many elements a list or a map has; nil for any
	Pattern string // a regular expression of RE2 that a string matches somewhere; empty for none
}

// A Range is from Least to Most, both included.
type Range struct {
	Least int
	Most  int // Unbounded for any
}

// Unbounded is the Most of a range without an end.
const Unbounded = math.MaxInt32

// OfElements reports whether there are constraints beside Items.
func (c *Constraints) OfElements() bool {
	return c != nil && (c.Min != nil || c.Max != nil || c.Len != nil || c.Pattern != "")
}

// Constrained reports whether one of the fields has constraints, or one of what they hold, at any depth.
func Constrained(fields []*Field) bool { return constrained(fields, map[any]bool{}) }

func constrained(fields []*Field, seen map[any]bool) bool {
	for _, f := range fields {
		if f.Constraints != nil || typeConstrained(f.Type, seen) {
			return true
		}
	}
	return false
}

// Constrained reports whether values of t have constraints within them, at any depth.
func (t *Type) Constrained() bool { return typeConstrained(t, map[any]bool{}) }

func typeConstrained(t *Type, seen map[any]bool) bool {
	for t.Elem != nil {
		t = t.Elem
	}
	var declared any
	var inside []*Field
	switch t.Kind {
	case StructType:
		declared, inside = t.Struct, t.Struct.Fields
	case UnionType:
		declared, inside = t.Union, t.Union.Members
	}
	if declared == nil || seen[declared] {
		return false
	}
	seen[declared] = true
	return constrained(inside, seen)
}

// Limits says in words what the constraints of f are, for documentation: "1 to 64 characters"; empty for none.
func (f *Field) Limits() string {
	c := f.Constraints
	if c == nil {
		return ""
	}
	t, each := f.Type, ""
	var parts []string
	if t.Elem != nil {
		t, each = t.Elem, "each "
		if c.Items != nil {
			parts = append(parts, c.Items.Of("element"))
		}
	}
	var inner []string
	if c.Min != nil {
		inner = append(inner, "at least "+t.Text(c.Min))
	}
	if c.Max != nil {
		inner = append(inner, "at most "+t.Text(c.Max))
	}
	if c.Len != nil {
		unit := "character"
		if t.Kind == Bytes {
			unit = "byte"
		}
		inner = append(inner, c.Len.Of(unit))
	}
	if c.Pattern != "" {
		inner = append(inner, "matching "+shown(c.Pattern))
	}
	if len(inner) > 0 {
		parts = append(parts, each+strings.Join(inner, ", "))
	}
	return strings.Join(parts, ", ")
}

// shown returns a pattern for a line of text.
func shown(pattern string) string {
	if strings.ContainsFunc(pattern, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(pattern)
	}
	return pattern
}

// Of returns the range as a number of things: "1 to 64 characters".
func (r Range) Of(thing string) string {
	switch {
	case r.Least == r.Most:
		return fmt.Sprintf("%d %s", r.Most, plural(r.Most, thing))
	case r.Most == Unbounded:
		return fmt.Sprintf("at least %d %s", r.Least, plural(r.Least, thing))
	case r.Least == 0:
		return fmt.Sprintf("at most %d %s", r.Most, plural(r.Most, thing))
	}
	return fmt.Sprintf("%d to %d %ss", r.Least, r.Most, thing)
}

func plural(n int, thing string) string {
	if n == 1 {
		return thing
	}
	return thing + "s"
}

// Text returns a bound as people read it.
func (t *Type) Text(v *Value) string {
	switch t.Kind {
	case Int, Long:
		return strconv.FormatInt(v.Int, 10)
	case Uint, Ulong:
		return strconv.FormatUint(v.Uint, 10)
	case Float:
		return strconv.FormatFloat(v.Float, 'g', -1, 32)
	case Double:
		return strconv.FormatFloat(v.Float, 'g', -1, 64)
	case Timestamp:
		return v.Time.Format(time.RFC3339Nano)
	case Duration:
		return v.Duration.String()
	}
	return ""
}

// Compare returns -1, 0 or 1 as a is below b, the same or above it. Both are bounds, or defaults, of a number, a
// timestamp or a duration.
func (t *Type) Compare(a, b *Value) int {
	switch t.Kind {
	case Int, Long:
		return compare(a.Int, b.Int)
	case Uint, Ulong:
		return compare(a.Uint, b.Uint)
	case Float, Double:
		return compare(a.Float, b.Float)
	case Timestamp:
		return a.Time.Compare(b.Time)
	default:
		return compare(a.Duration, b.Duration)
	}
}

func compare[T int64 | uint64 | float64 | time.Duration](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Has reports whether n is within the range.
func (r Range) Has(n int) bool { return r.Least <= n && n <= r.Most }
