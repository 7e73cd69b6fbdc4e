package compat

import (
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// constraints reports what callers may no longer send. reach is 0 where servers never check it.
func (c *comparison) constraints(place string, old, new *schema.Field, reach Reach) {
	var tighter []string
	was, is := of(old), of(new)
	t := new.Type
	if t.Elem != nil {
		t = t.Elem
	}
	if is.Min != nil && (was.Min == nil || t.Compare(is.Min, was.Min) > 0) {
		tighter = append(tighter, "at least "+t.Text(is.Min))
	}
	if is.Max != nil && (was.Max == nil || t.Compare(is.Max, was.Max) < 0) {
		tighter = append(tighter, "at most "+t.Text(is.Max))
	}
	if narrower(was.Len, is.Len) {
		unit := "character"
		if t.Kind == schema.Bytes {
			unit = "byte"
		}
		tighter = append(tighter, is.Len.Of(unit))
	}
	if narrower(was.Items, is.Items) {
		tighter = append(tighter, is.Items.Of("element"))
	}
	if is.Pattern != "" && is.Pattern != was.Pattern {
		tighter = append(tighter, "what matches "+is.Pattern)
	}
	if len(tighter) > 0 && reach != 0 {
		c.add(reach, place, fmt.Sprintf("its constraints now want %s, and servers refuse calls with anything else",
			strings.Join(tighter, ", ")), "loosen constraints alone, or add what is new under a name of its own")
	}
}

func of(f *schema.Field) schema.Constraints {
	if f.Constraints == nil {
		return schema.Constraints{}
	}
	return *f.Constraints
}

// narrower reports whether a range leaves out what was in another one, nil being that of all numbers.
func narrower(was, is *schema.Range) bool {
	all := schema.Range{Most: schema.Unbounded}
	if was == nil {
		was = &all
	}
	return is != nil && (is.Least > was.Least || is.Most < was.Most)
}
