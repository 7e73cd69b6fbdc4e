package dynamic

import (
	"regexp"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/wire"
)

// constraintsOf returns the constraints of a field, nil where it has none.
func constraintsOf(f *schema.Field) *wire.Constraints {
	c := f.Constraints
	if c == nil {
		return nil
	}
	t := f.Type
	if t.Elem != nil {
		t = t.Elem
	}
	out := &wire.Constraints{Min: valueOf(t, c.Min), Max: valueOf(t, c.Max), Len: spanOf(c.Len), Items: spanOf(c.Items)}
	if c.Pattern != "" {
		out.Pattern = &wire.Pattern{
			Expr: c.Pattern, Compile: func(expr string) wire.Matcher { return regexp.MustCompile(expr) },
		}
	}
	return out
}

func spanOf(r *schema.Range) *wire.Span {
	if r == nil {
		return nil
	}
	return &wire.Span{Least: r.Least, Most: r.Most}
}

// CheckConstraints implements [wire.Constrained]: it checks the constraints of the definition.
func (m *Message) CheckConstraints(c *wire.Checker) { m.Record().CheckConstraints(c) }
