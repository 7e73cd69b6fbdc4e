package golang

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// checks writes the method by which a message tells of values that are not as its constraints want them.
func (g *generator) checks(m message) {
	if !m.constrained {
		return
	}
	g.exported(m.name, "CheckConstraints implements wire.Constrained.")
	g.p("func (m *%s) CheckConstraints(c *wire.Checker) {", m.name)
	var stream *field
	var rest []field
	for i, f := range m.fields {
		if f.Name == m.stream {
			stream = &m.fields[i]
		} else if schema.Constrained([]*schema.Field{f.Field}) {
			rest = append(rest, f)
		}
	}
	switch {
	case stream == nil:
	case len(m.fields) == 1: // no other message comes before the elements
		g.checkField(stream.Field, "m."+stream.goName, ".Streamed()")
	default:
		g.p("if c.Element() >= 0 {")
		if schema.Constrained([]*schema.Field{stream.Field}) {
			g.checkField(stream.Field, "m."+stream.goName, ".Streamed()")
		}
		if len(rest) > 0 {
			g.p("return")
		}
		g.p("}")
	}
	for _, f := range rest {
		g.checkField(f.Field, "m."+f.goName, "")
	}
	g.p("}\n")
}

// checkField writes what a field's value x has to keep to. element says which element of a stream it is.
func (g *generator) checkField(f *schema.Field, x, element string) {
	at := fmt.Sprintf("c.Field(%q)%s", f.Name, element)
	if f.Sensitive {
		at = fmt.Sprintf("c.Sensitive(%q)%s", f.Name, element)
	}
	t := f.Type
	if f.Constraints != nil && f.Constraints.Items != nil {
		g.p("%s.Items(len(%s), %s)", at, x, bounds(*f.Constraints.Items))
	}
	switch {
	case t.Elem != nil && !f.Constraints.OfElements() && !t.Elem.Constrained():
	case t.Kind == schema.List && t.Elem.Kind == schema.StructType:
		g.p("for i := range %s {", x)
		g.checkValue(f, t.Elem, at+".Elem(i)", x+"[i]")
		g.p("}")
	case t.Kind == schema.List:
		g.p("for i, v := range %s {", x)
		g.checkValue(f, t.Elem, at+".Elem(i)", "v")
		g.p("}")
	case t.Kind == schema.Map:
		g.p("for k, v := range %s {", x)
		g.checkValue(f, t.Elem, "wire.Key("+at+", k)", "v")
		g.p("}")
	case t.Optional && t.Kind != schema.UnionType:
		g.p("if %s != nil {", x)
		g.checkValue(f, t, at, "*"+x)
		g.p("}")
	default:
		g.checkValue(f, t, at, x)
	}
}

// checkValue writes what a value x of type t has to keep to, which is no list and no map. at is the checker that knows
// its place.
func (g *generator) checkValue(f *schema.Field, t *schema.Type, at, x string) {
	switch t.Kind {
	case schema.StructType:
		g.p("%s.Message(%s)", at, strings.TrimPrefix("&"+x, "&*"))
		return
	case schema.UnionType:
		g.p("wire.Union(%s, %s, %s)", at, x, g.in(t.Union.File)+g.namesOf(t.Union.File).check[t.Union])
		return
	}
	c := f.Constraints
	if c.Len != nil {
		g.p("%s.%s(%s, %s)", at, map[bool]string{true: "Size", false: "Len"}[t.Kind == schema.Bytes], x, bounds(*c.Len))
	}
	if c.Pattern != "" {
		g.p("%s.Match(%s, &%s)", at, x, g.names.pattern[c.Pattern])
	}
	least, most := "wire.AtLeast(%s, %s, %s)", "wire.AtMost(%s, %s, %s)"
	if t.Kind == schema.Timestamp {
		least, most = "%s.NotBefore(%s, %s)", "%s.NotAfter(%s, %s)"
	}
	if c.Min != nil {
		g.p(least, at, x, g.bound(t, c.Min))
	}
	if c.Max != nil {
		g.p(most, at, x, g.bound(t, c.Max))
	}
}

// bound returns a bound as a Go expression.
func (g *generator) bound(t *schema.Type, v *schema.Value) string {
	switch t.Kind {
	case schema.Float:
		return strconv.FormatFloat(v.Float, 'g', -1, 32)
	case schema.Double:
		return strconv.FormatFloat(v.Float, 'g', -1, 64)
	case schema.Timestamp:
		return g.time(v.Time)
	case schema.Duration:
		if v.Duration != 0 {
			return g.duration(v.Duration)
		}
		return "0"
	}
	return t.Text(v)
}

func bounds(r schema.Range) string {
	if r.Most == schema.Unbounded {
		return fmt.Sprintf("%d, wire.NoMax", r.Least)
	}
	return fmt.Sprintf("%d, %d", r.Least, r.Most)
}

// checkUnion writes the function that checks the member of a union, if one of them has constraints.
func (g *generator) checkUnion(u *schema.Union) {
	name := g.names.check[u]
	if name == "" {
		return
	}
	g.p("// %s checks the constraints of the member that u is. Generated code calls it.", name)
	g.p("func %s(c *wire.Checker, u %s) {\nswitch u := u.(type) {", name, u.Name)
	for _, m := range u.Members {
		if !schema.Constrained([]*schema.Field{m}) {
			continue
		}
		g.p("case %s:", memberName(u, m))
		g.checkField(m, "u."+memberField(u, m), "")
	}
	g.p("default:\nwire.CheckPointer(c, u, %s)\n}\n}\n", name)
}

// patterns writes the regular expressions of the file, each once.
func (g *generator) patterns() {
	written := map[string]bool{}
	all := func(fields []*schema.Field) {
		for _, f := range fields {
			if f.Constraints == nil || f.Constraints.Pattern == "" || written[f.Constraints.Pattern] {
				continue
			}
			expr := f.Constraints.Pattern
			written[expr] = true
			g.p("var %s = wire.Pattern{Expr: %s, Compile: func(expr string) wire.Matcher "+
				"{ return %s.MustCompile(expr) }}\n",
				g.names.pattern[expr], goString(expr), g.use("regexp"))
		}
	}
	for _, s := range g.file.Structs {
		all(s.Fields)
	}
	for _, u := range g.file.Unions {
		all(u.Members)
	}
	for _, s := range g.file.Services {
		for _, m := range s.Methods {
			all(m.Params)
		}
	}
}

// goString returns a string literal, raw where that reads better.
func goString(s string) string {
	if strings.Contains(s, `\`) && strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

// documented returns the documentation of a field, with its constraints.
func documented(f *schema.Field) string { return withLimits(f.Doc, f) }

func withLimits(doc string, f *schema.Field) string {
	limits := f.Limits()
	switch {
	case limits == "":
		return doc
	case doc == "":
		return "Constraint: " + limits + "."
	}
	return doc + "\n\nConstraint: " + limits + "."
}

// methodDoc returns the documentation of a method, with the constraints of its parameters.
func methodDoc(doc string, m *schema.Method) string {
	list := ""
	for _, p := range m.Params {
		if limits := p.Limits(); limits != "" {
			list += "\n  - " + p.Name + ": " + limits
		}
	}
	switch {
	case list == "":
		return doc
	case doc == "":
		return "Constraints:" + list
	}
	return doc + "\n\nConstraints:" + list
}
