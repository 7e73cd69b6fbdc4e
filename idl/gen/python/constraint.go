package python

import (
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/idl/schema"
)

// constraints returns the table of a field's constraints that will stand at an indent; empty for none.
func (m *module) constraints(indent string, f *schema.Field) string {
	c := f.Constraints
	if c == nil {
		return ""
	}
	t := f.Type
	if t.Elem != nil {
		t = t.Elem
	}
	var items []string
	if c.Min != nil {
		items = append(items, "low="+m.bound(t, c.Min))
	}
	if c.Max != nil {
		items = append(items, "high="+m.bound(t, c.Max))
	}
	if c.Len != nil {
		items = append(items, "len="+span(*c.Len))
	}
	if c.Items != nil {
		items = append(items, "items="+span(*c.Items))
	}
	if c.Pattern != "" {
		items = append(items, m.pattern(indent+"    ", c.Pattern))
	}
	return inline(indent, "constraints="+m.use("_Constraints")+"(", items, ")")
}

// bound returns a bound and its text.
func (m *module) bound(t *schema.Type, v *schema.Value) string {
	plain := m.plainValue(t, v)
	if t.Kind == schema.Float {
		plain = float(v.Float, 64) // which is rounded to 32 bits already, as values are
	}
	return "(" + plain + ", " + quote(t.Text(v)) + ")"
}

func span(r schema.Range) string {
	if r.Most == schema.Unbounded {
		return fmt.Sprintf("(%d, None)", r.Least)
	}
	return fmt.Sprintf("(%d, %d)", r.Least, r.Most)
}

// pattern returns the argument with the program of a regular expression, which the checker has seen to be one.
func (m *module) pattern(indent, expr string) string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		panic(fmt.Sprintf("python: the pattern %q was not checked: %v", expr, err))
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		panic(fmt.Sprintf("python: the pattern %q: %v", expr, err))
	}
	var steps []string
	for i := range prog.Inst {
		steps = append(steps, step(&prog.Inst[i]))
	}
	list := inline(indent+"    ", "[", steps, "]")
	return inline(indent, "pattern="+m.use("_Pattern")+"(", []string{quote(expr), strconv.Itoa(prog.Start), list}, ")")
}

func step(i *syntax.Inst) string {
	switch i.Op {
	case syntax.InstMatch:
		return `("match",)`
	case syntax.InstFail:
		return `("fail",)`
	case syntax.InstAlt, syntax.InstAltMatch:
		return fmt.Sprintf(`("or", %d, %d)`, i.Out, i.Arg)
	case syntax.InstEmptyWidth:
		return fmt.Sprintf(`("if", %d, %d)`, i.Arg, i.Out)
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return fmt.Sprintf(`("in", %s, %d)`, ranges(i), i.Out)
	default: // what notes the place of a group, or does nothing
		return fmt.Sprintf(`("to", %d)`, i.Out)
	}
}

// ranges returns which characters an instruction takes.
func ranges(i *syntax.Inst) string {
	runes := i.Rune
	switch {
	case i.Op == syntax.InstRuneAny:
		runes = []rune{0, unicode.MaxRune}
	case i.Op == syntax.InstRuneAnyNotNL:
		runes = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	case len(runes) == 1 && syntax.Flags(i.Arg)&syntax.FoldCase != 0 && i.Op == syntax.InstRune:
		first := runes[0]
		runes = []rune{first, first}
		for r := unicode.SimpleFold(first); r != first; r = unicode.SimpleFold(r) {
			runes = append(runes, r, r)
		}
	case len(runes) == 1:
		runes = []rune{runes[0], runes[0]}
	}
	var pairs []string
	for n := 0; n < len(runes); n += 2 {
		pairs = append(pairs, fmt.Sprintf("(%d, %d)", runes[n], runes[n+1]))
	}
	if len(pairs) == 1 {
		return "(" + pairs[0] + ",)"
	}
	return "(" + strings.Join(pairs, ", ") + ")"
}

// documented returns the documentation of a field, with its constraints.
func documented(doc string, f *schema.Field) string {
	limits := f.Limits()
	switch {
	case limits == "":
		return doc
	case doc == "":
		return "Constraint: " + limits + "."
	}
	return doc + "\nConstraint: " + limits + "."
}
