package check

import (
	"errors"
	"fmt"
	"regexp"
	resyntax "regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// constrain reads the constraints that stand before a field, whose type and default are known.
func (s *scope) constrain(tree *syntax.Field, f *schema.Field) {
	if f.Type == nil {
		return
	}
	in := constraining{scope: s, tree: tree, field: f, of: f.Type, seen: map[string]*syntax.Annotation{}}
	if f.Type.Elem != nil {
		in.of = f.Type.Elem
	}
	for _, one := range tree.Annotations {
		if read := in.reader(one.Name.Text); read != nil && in.seen[one.Name.Text] == nil {
			in.seen[one.Name.Text] = one
			read(one)
		}
	}
	if in.out == (schema.Constraints{}) {
		return
	}
	if s.exception {
		s.report(in.first().Name.Pos,
			"an exception's fields have no constraints, since only what callers send is checked", "leave it out")
		return
	}
	in.checkOrder()
	in.checkDefault()
	f.Constraints = &in.out
}

// A constraining reads the constraints of one field.
type constraining struct {
	*scope
	tree  *syntax.Field
	field *schema.Field
	of    *schema.Type // what all but @items are about: of a list or a map the type of the elements
	out   schema.Constraints
	seen  map[string]*syntax.Annotation
}

// reader returns what reads the arguments of a constraint; nil for another annotation.
func (c *constraining) reader(name string) func(*syntax.Annotation) {
	switch name {
	case "min":
		return func(a *syntax.Annotation) { c.out.Min = c.bound(a) }
	case "max":
		return func(a *syntax.Annotation) { c.out.Max = c.bound(a) }
	case "len":
		return c.length
	case "items":
		return c.items
	case "pattern":
		return c.pattern
	}
	return nil
}

// first returns the first constraint in the text.
func (c *constraining) first() *syntax.Annotation {
	for _, one := range c.tree.Annotations {
		if c.seen[one.Name.Text] != nil {
			return one
		}
	}
	return nil
}

func (c *constraining) bound(a *syntax.Annotation) *schema.Value {
	if !isOrdered(c.of.Kind) {
		c.misfit(a, "numbers, timestamps and durations")
		return nil
	}
	if len(a.Args) != 1 {
		c.badArgs(a, "one value")
		return nil
	}
	v, remedy := c.literal(c.of, a.Args[0])
	if v == nil && a.Args[0].Kind != 0 {
		c.report(a.Args[0].Pos, fmt.Sprintf("%s is no %s", a.Args[0].Text, typeText(c.tree.Type, c.field.Type)), remedy)
	}
	return v
}

// typeText returns the type of a field, or of its elements, as the definition has it.
func typeText(t *syntax.Type, of *schema.Type) string {
	if of.Elem != nil && len(t.Args) > 0 {
		t = t.Args[len(t.Args)-1]
	}
	return (&syntax.Type{Name: t.Name, Args: t.Args}).String()
}

func (c *constraining) length(a *syntax.Annotation) {
	if c.of.Kind != schema.String && c.of.Kind != schema.Bytes {
		c.misfit(a, "strings and bytes")
		return
	}
	c.out.Len = c.numbers(a, schema.Unbounded)
}

func (c *constraining) items(a *syntax.Annotation) {
	switch {
	case c.tree.Stream && c.field.Type.Elem == nil:
		c.report(a.Name.Pos, "@items cannot stand before a stream, whose elements come one by one",
			"leave it out, or write list<"+c.tree.Type.String()+">")
	case c.field.Type.Elem == nil:
		c.misfit(a, "lists and maps")
	default:
		c.out.Items = c.numbers(a, schema.Unbounded)
	}
}

// numbers reads one number, or the least and the most of a range.
func (c *constraining) numbers(a *syntax.Annotation, limit int) *schema.Range {
	if len(a.Args) != 1 && len(a.Args) != 2 {
		c.badArgs(a, "one number, or the least and the most")
		return nil
	}
	var bounds [2]int
	for i, v := range a.Args {
		if i == 1 && v.Kind == syntax.Word && v.Text == "max" {
			bounds[i] = limit
			continue
		}
		n, err := strconv.ParseInt(v.Text, 0, 32)
		if v.Kind != syntax.Int || err != nil || n < 0 || n == int64(limit) {
			if v.Kind != 0 {
				c.report(v.Pos, fmt.Sprintf("%s is no number of @%s", v.Text, a.Name.Text),
					fmt.Sprintf("write a whole number from 0 to %d, or max as the second one for any number", limit-1))
			}
			return nil
		}
		bounds[i] = int(n)
	}
	r := &schema.Range{Least: bounds[0], Most: bounds[len(a.Args)-1]}
	if r.Most < r.Least {
		c.report(a.Args[0].Pos, fmt.Sprintf("the range of @%s from %d to %d is empty", a.Name.Text, r.Least, r.Most),
			fmt.Sprintf("write @%s(%d, %d)", a.Name.Text, r.Most, r.Least))
		return nil
	}
	return r
}

// pattern reads a regular expression. The syntax is that of RE2, which package regexp has but for \C.
func (c *constraining) pattern(a *syntax.Annotation) {
	if c.of.Kind != schema.String {
		c.misfit(a, "strings")
		return
	}
	if len(a.Args) != 1 || a.Args[0].Kind != syntax.String {
		c.badArgs(a, "one string")
		return
	}
	expr, err := a.Args[0].Unquote()
	if err != nil {
		return // reported by the parser
	}
	if expr == "" {
		c.report(a.Args[0].Pos, "the pattern is empty, and matches every string",
			"leave it out, or write a regular expression")
		return
	}
	_, err = regexp.Compile(expr)
	if err == nil {
		c.out.Pattern = expr
		return
	}
	problem, fragment := err.Error(), ""
	if e, ok := errors.AsType[*resyntax.Error](err); ok {
		problem, fragment = e.Code.String(), e.Expr
	}
	at := within(a.Args[0], strings.Index(expr, fragment))
	c.report(at, fmt.Sprintf("the pattern is no regular expression of RE2: %s in %s", problem, shortened(fragment)),
		patternRemedy(problem))
}

func patternRemedy(problem string) string {
	switch {
	case strings.Contains(problem, "Perl"):
		return "say it without lookaheads and lookbehinds, which RE2 does not have, " +
			"so that matching takes linear time"
	case strings.Contains(problem, "escape"):
		return `write \\ before a sign that stands for itself, and no backreference such as \\1, which RE2 lacks`
	}
	return `see https://github.com/google/re2/wiki/Syntax; a backslash is written twice: "^\\d+$"`
}

func shortened(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		s = string([]rune(s)[:40]) + "…"
	}
	return strconv.Quote(s)
}

// within returns the place of a byte of what a string value means.
func within(v *syntax.Value, offset int) syntax.Pos {
	pos := v.Pos
	step := func(n int) {
		pos.Column += utf8.RuneCountInString(v.Text[pos.Offset-v.Pos.Offset:][:n])
		pos.Offset += n
	}
	step(len(`"`))
	for offset > 0 {
		size, means := v.Step(pos.Offset - v.Pos.Offset)
		if size == 0 {
			break
		}
		step(size)
		offset -= means
	}
	return pos
}

// misfit reports a constraint of which the type knows nothing.
func (c *constraining) misfit(a *syntax.Annotation, fits string) {
	c.report(a.Name.Pos, fmt.Sprintf("@%s is for %s, and this is %s", a.Name.Text, fits, aType(c.tree.Type.String())),
		c.misfitRemedy(a.Name.Text))
}

func aType(name string) string {
	if strings.ContainsRune("aeiouAEIOU", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// misfitRemedy says which constraint fits the type instead.
func (c *constraining) misfitRemedy(name string) string {
	switch kind := c.of.Kind; {
	case kind == schema.String || kind == schema.Bytes:
		unit := map[bool]string{true: "bytes", false: "characters"}[kind == schema.Bytes]
		return fmt.Sprintf("write @len(1, 64) to limit how many %s it has", unit)
	case name != "items" && c.field.Type.Elem != nil && !isOrdered(kind):
		return "write @items(1, 10) to limit how many elements it has"
	case name == "len" && c.field.Type.Elem != nil:
		return "write @items(1, 10) to limit how many elements it has, or @min and @max for each of them"
	case isOrdered(kind):
		return "write @min and @max to limit its value"
	}
	return "leave it out"
}

func isOrdered(k schema.Kind) bool {
	switch k {
	case schema.Int, schema.Long, schema.Uint, schema.Ulong, schema.Float, schema.Double,
		schema.Timestamp, schema.Duration:
		return true
	}
	return false
}

func (c *constraining) badArgs(a *syntax.Annotation, takes string) {
	pos := a.Name.Pos
	for _, v := range a.Args {
		if v.Kind == 0 {
			return // reported by the parser
		}
	}
	if len(a.Args) == 1 {
		pos = a.Args[0].Pos
	}
	for _, m := range markings {
		if m.name == a.Name.Text {
			c.report(pos, fmt.Sprintf("@%s takes %s", m.name, takes), m.remedy)
		}
	}
}

func (c *constraining) checkOrder() {
	if c.out.Min != nil && c.out.Max != nil && c.of.Compare(c.out.Min, c.out.Max) > 0 {
		least, most := c.seen["min"].Args[0], c.seen["max"].Args[0]
		c.report(least.Pos, fmt.Sprintf("no value is at least %s and at most %s", least.Text, most.Text),
			fmt.Sprintf("write @min(%s) @max(%s)", most.Text, least.Text))
	}
}

// checkDefault reports a default that the constraints do not allow. Lists and maps have none.
func (c *constraining) checkDefault() {
	d := c.field.Default
	if d == nil {
		return
	}
	var broken string
	switch {
	case c.out.Min != nil && c.of.Compare(d, c.out.Min) < 0:
		broken = "min"
	case c.out.Max != nil && c.of.Compare(d, c.out.Max) > 0:
		broken = "max"
	case c.out.Len != nil && !c.out.Len.Has(c.lengthOf(d)):
		broken = "len"
	case c.out.Pattern != "" && !regexp.MustCompile(c.out.Pattern).MatchString(d.String):
		broken = "pattern"
	default:
		return
	}
	c.report(c.tree.Default.Pos, fmt.Sprintf("the default %s is not what %s allows",
		c.tree.Default.Text, written(c.seen[broken])), "write a default that it allows, or leave one of them out")
}

// lengthOf returns the length of a default.
func (c *constraining) lengthOf(d *schema.Value) int {
	if c.of.Kind == schema.Bytes {
		return len(d.Bytes)
	}
	return utf8.RuneCountInString(d.String)
}

// written returns an annotation as the formatter writes it.
func written(a *syntax.Annotation) string {
	args := make([]string, len(a.Args))
	for i, v := range a.Args {
		args[i] = v.Text
	}
	return "@" + a.Name.Text + "(" + strings.Join(args, ", ") + ")"
}
