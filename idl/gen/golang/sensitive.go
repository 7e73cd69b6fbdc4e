package golang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// holdsSensitive reports whether one of the fields is sensitive, or one of what they hold, at any depth.
func holdsSensitive(list []*schema.Field) bool { return findSensitive(list, make(map[any]bool)) }

func findSensitive(list []*schema.Field, seen map[any]bool) bool {
	return slices.ContainsFunc(list, func(f *schema.Field) bool {
		if f.Sensitive {
			return true
		}
		t := f.Type
		for t.Elem != nil {
			t = t.Elem
		}
		var declared any
		var inside []*schema.Field
		switch t.Kind {
		case schema.StructType:
			declared, inside = t.Struct, t.Struct.Fields
		case schema.UnionType:
			declared, inside = t.Union, t.Union.Members
		}
		if declared == nil || seen[declared] {
			return false
		}
		seen[declared] = true
		return findSensitive(inside, seen)
	})
}

// maskingMethods are those that a type has which holds something sensitive.
var maskingMethods = []string{"String", "Format", "LogValue", "MarshalJSON"}

// masking writes the methods by which a message that holds something sensitive shows itself with *** in its place,
// whoever prints it: package fmt with any verb, package slog, and what logs JSON.
func (g *generator) masking(m message) {
	if !m.sensitive {
		return
	}
	g.maskingBy(m.name, "wire.Mask(&m)", "")
}

// maskingError is masking for an exception, which %v shows by its Error method.
func (g *generator) maskingError(m message) {
	if m.sensitive {
		g.maskingBy(m.name, "wire.Mask(&m)", "m.Error()")
	}
}

// maskingBy writes the methods but for MarshalJSON; mask is what shows m, text how an exception is shown.
func (g *generator) maskingBy(name, mask, text string) {
	g.exported(name, "String returns m in one line, with *** in place of what is sensitive.")
	g.p("func (m %s) String() string { return %s.String() }\n", name, mask)
	g.exported(name, "Format implements fmt.Formatter: whatever the verb, *** stands in place of what is sensitive.")
	if text == "" {
		g.p("func (m %s) Format(s %s.State, verb rune) { %s.Format(s, verb) }\n", name, g.use("fmt"), mask)
	} else {
		g.p("func (m %s) Format(s %s.State, verb rune) { %s.FormatError(s, verb, %s) }\n", name, g.use("fmt"), mask,
			text)
	}
	g.exported(name, "LogValue implements slog.LogValuer: *** stands in place of what is sensitive.")
	g.p("func (m %s) LogValue() %s.Value { return %s.LogValue() }\n", name, g.use("log/slog"), mask)
}

// refusing writes the MarshalJSON of what holds something sensitive.
func (g *generator) refusing(name, mask string) {
	g.exported(name,
		"MarshalJSON is an error, since loggers call it too: wire.MarshalJSON returns JSON with what is sensitive.")
	g.p("func (m %s) MarshalJSON() ([]byte, error) { return %s.RefuseJSON() }\n", name, mask)
}

// exported documents a method where its type is exported.
func (g *generator) exported(name, text string) {
	if strings.ToUpper(name[:1]) == name[:1] {
		g.comment(text)
	}
}

// memberMasking is masking for a member of a union.
func (g *generator) memberMasking(u *schema.Union, m *schema.Field) {
	if !holdsSensitive([]*schema.Field{m}) {
		return
	}
	name, mask := memberName(u, m), fmt.Sprintf("%s.MaskMember[%s](m)", g.use(wirePath), u.Name)
	g.maskingBy(name, mask, "")
	g.refusing(name, mask)
}

// memberField returns the name of the field of a union's member.
func memberField(u *schema.Union, m *schema.Field) string {
	methods := []string{"is" + u.Name}
	if holdsSensitive([]*schema.Field{m}) {
		methods = append(methods, maskingMethods...)
	}
	return fields([]*schema.Field{m}, methods...)[0]
}
