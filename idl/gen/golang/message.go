package golang

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// A message is a Go struct that implements wire.Message.
type message struct {
	name   string
	create string // the expression for one with its defaults; empty for zero
	fields []field

	sensitive bool // it holds something that is, at any depth

	constrained bool   // it has constraints, at any depth, and is checked
	stream      string // the name of the field that is an element of a stream of arguments; empty for none
}

type field struct {
	*schema.Field
	goName string
}

// newChecked returns newMessage with a method that checks constraints, if there are any.
func newChecked(name string, list []*schema.Field, methods ...string) message {
	constrained := schema.Constrained(list)
	if constrained {
		methods = append(methods, "CheckConstraints")
	}
	m := newMessage(name, list, methods...)
	m.constrained = constrained
	return m
}

// newMessage returns the message of the given fields. methods are those that it has beside a message's own.
func newMessage(name string, list []*schema.Field, methods ...string) message {
	m := message{name: name, sensitive: holdsSensitive(list)}
	if m.sensitive {
		methods = append(methods, maskingMethods...)
	}
	goNames := fields(list, append(methods, "Reset", "EncodeWire", "DecodeWire")...)
	for i, f := range list {
		m.fields = append(m.fields, field{f, goNames[i]})
	}
	return m
}

// structType writes the type declaration.
func (g *generator) structType(m message) {
	if len(m.fields) == 0 {
		g.p("type %s struct{}\n", m.name)
		return
	}
	g.p("type %s struct {", m.name)
	for _, f := range m.fields {
		g.doc(documented(f.Field), f.Deprecated)
		g.p("%s %s `yodel:\"%s\"`", f.goName, g.goType(f.Type), tag(f.Field))
	}
	g.p("}\n")
}

func tag(f *schema.Field) string {
	parts := []string{fmt.Sprint(f.Number), f.Name}
	if f.Required {
		parts = append(parts, "required")
	}
	if f.Sensitive {
		parts = append(parts, "sensitive")
	}
	return strings.Join(parts, ",")
}

// defaults returns the message with its defaults as an expression.
func (g *generator) defaults(m message) string {
	var parts []string
	for _, f := range m.fields {
		if text := g.literal(f.Field); text != "" {
			parts = append(parts, f.goName+": "+text)
		}
	}
	return m.name + "{" + strings.Join(parts, ", ") + "}"
}

// messageMethods writes the methods of wire.Message.
func (g *generator) messageMethods(m message) {
	g.use(wirePath)
	create := m.create
	if create == "" {
		create = g.defaults(m)
	}
	m.fields = slices.SortedFunc(slices.Values(m.fields), func(x, y field) int {
		return cmp.Compare(x.Number, y.Number)
	})
	g.implements(m, "Reset")
	g.p("func (m *%s) Reset() { *m = %s }\n", m.name, create)
	g.encode(m)
	g.decode(m)
	g.checks(m)
}

// implements documents a method of wire.Message where its type is exported.
func (g *generator) implements(m message, method string) {
	if token.IsExported(m.name) {
		g.p("// %s implements wire.Message.", method)
	}
}

func (g *generator) encode(m message) {
	g.implements(m, "EncodeWire")
	if len(m.fields) == 0 {
		g.p("func (m *%s) EncodeWire(e *wire.Encoder) {}\n", m.name)
		return
	}
	g.p("func (m *%s) EncodeWire(e *wire.Encoder) {", m.name)
	for _, f := range m.fields {
		g.encodeField(f.Field, "m."+f.goName)
	}
	g.p("}\n")
}

func (g *generator) encodeField(f *schema.Field, x string) {
	condition := g.isSet(f, x)
	if condition == "" {
		g.p("%s", g.put(f, x))
		return
	}
	g.p("if %s {\n%s\n}", condition, g.put(f, x))
}

// isSet returns the condition upon which a field is written; empty for always, or where the writing sees to it.
func (g *generator) isSet(f *schema.Field, x string) string {
	t := f.Type
	literal := g.literal(f)
	switch {
	case f.Required, t.Kind == schema.List, t.Kind == schema.Map:
		return ""
	case t.Optional, t.Kind == schema.UnionType:
		return x + " != nil"
	case t.Kind == schema.StructType:
		return ""
	case t.Kind == schema.Bool && literal != "":
		return "!" + x
	case t.Kind == schema.Bool:
		return x
	case t.Kind == schema.Bytes && literal != "":
		return fmt.Sprintf("string(%s) != %q", x, f.Default.Bytes)
	case t.Kind == schema.Bytes:
		return "len(" + x + ") > 0"
	case t.Kind == schema.Timestamp && literal != "":
		return "!" + x + ".Equal(" + literal + ")"
	case t.Kind == schema.Timestamp:
		return "!" + x + ".IsZero()"
	case t.Kind == schema.String && literal == "":
		return x + ` != ""`
	case literal != "" && !strings.HasPrefix(literal, "math.") && !strings.HasPrefix(literal, "float32("):
		return x + " != " + literal
	case t.Kind == schema.Float:
		return g.bits("math.Float32bits", x, literal)
	case t.Kind == schema.Double:
		return g.bits("math.Float64bits", x, literal)
	}
	return x + " != 0"
}

// bits compares floating-point numbers bit by bit, since -0 differs from 0 and a NaN is like itself.
func (g *generator) bits(function, x, literal string) string {
	g.use("math")
	if literal == "" {
		return function + "(" + x + ") != 0"
	}
	return function + "(" + x + ") != " + function + "(" + literal + ")"
}

// put returns the statement that writes a field.
func (g *generator) put(f *schema.Field, x string) string {
	t, n := f.Type, f.Number
	switch t.Kind {
	case schema.List:
		return g.putList(t.Elem, n, x)
	case schema.Map:
		return g.putMap(t, n, x)
	case schema.StructType:
		switch {
		case t.Optional:
			return fmt.Sprintf("e.PutMessage(%d, %s)", n, x)
		case f.Required:
			return fmt.Sprintf("e.PutMessage(%d, &%s)", n, x)
		}
		return fmt.Sprintf("e.PutNonEmpty(%d, &%s)", n, x)
	case schema.UnionType:
		return fmt.Sprintf("wire.PutUnion(e, %d, %s, %s)", n, x, g.codec(t.Union).encode)
	}
	if t.Optional {
		x = "*" + x
	}
	if t.Kind == schema.EnumType {
		return fmt.Sprintf("e.PutInt32(%d, int32(%s))", n, x)
	}
	return fmt.Sprintf("e.%s(%d, %s)", scalars[t.Kind].put, n, x)
}

func (g *generator) putList(elem *schema.Type, n int, x string) string {
	switch elem.Kind {
	case schema.EnumType:
		return fmt.Sprintf("wire.PutEnums(e, %d, %s)", n, x)
	case schema.StructType:
		return fmt.Sprintf("wire.PutMessages(e, %d, %s)", n, x)
	case schema.UnionType:
		return fmt.Sprintf("wire.PutUnions(e, %d, %s, %s)", n, x, g.codec(elem.Union).encode)
	}
	return fmt.Sprintf("e.Put%s(%d, %s)", scalars[elem.Kind].list, n, x)
}

func (g *generator) putMap(t *schema.Type, n int, x string) string {
	key := "(*wire.Encoder)." + scalars[t.Key.Kind].put
	switch t.Elem.Kind {
	case schema.EnumType:
		return fmt.Sprintf("wire.PutMap(e, %d, %s, %s, wire.PutEnum)", n, x, key)
	case schema.StructType:
		return fmt.Sprintf("wire.PutMessageMap(e, %d, %s, %s)", n, x, key)
	case schema.UnionType:
		return fmt.Sprintf("wire.PutUnionMap(e, %d, %s, %s, %s)", n, x, key, g.codec(t.Elem.Union).encode)
	}
	return fmt.Sprintf("wire.PutMap(e, %d, %s, %s, (*wire.Encoder).%s)", n, x, key, scalars[t.Elem.Kind].put)
}

func (g *generator) decode(m message) {
	g.implements(m, "DecodeWire")
	g.p("func (m *%s) DecodeWire(d *wire.Decoder) {", m.name)
	required := slices.DeleteFunc(slices.Clone(m.fields), func(f field) bool { return !f.Required })
	if len(required) > 0 {
		var seen []string
		for _, f := range required {
			seen = append(seen, "has"+f.goName)
		}
		g.p("var %s bool", strings.Join(seen, ", "))
	}
	g.p("for d.Next() {")
	for _, f := range m.fields {
		g.decodeField(f)
	}
	g.p("}")
	for _, f := range required {
		g.p("d.Require(has%s, %q)", f.goName, f.Name)
	}
	g.p("}\n")
}

func (g *generator) decodeField(f field) {
	read := g.get(f.Type, f.Number, "m."+f.goName)
	if f.Required {
		g.p("has%s = %s || has%s", f.goName, read, f.goName)
		return
	}
	g.p("%s", read)
}

// get returns the expression that reads a field into x and reports whether it was there.
func (g *generator) get(t *schema.Type, n int, x string) string {
	switch t.Kind {
	case schema.List:
		return g.getList(t.Elem, n, x)
	case schema.Map:
		return g.getMap(t, n, x)
	case schema.StructType:
		if t.Optional {
			return fmt.Sprintf("wire.ReadPointer(d, %d, &%s)", n, x)
		}
		return fmt.Sprintf("d.Message(%d, &%s)", n, x)
	case schema.UnionType:
		return fmt.Sprintf("wire.ReadUnion(d, %d, &%s, %s)", n, x, g.codec(t.Union).decode)
	case schema.EnumType:
		if t.Optional {
			return fmt.Sprintf("wire.ReadOptional(d, %d, &%s, wire.ReadEnum)", n, x)
		}
		return fmt.Sprintf("wire.ReadEnum(d, %d, &%s)", n, x)
	}
	if t.Optional {
		return fmt.Sprintf("wire.ReadOptional(d, %d, &%s, (*wire.Decoder).%s)", n, x, scalars[t.Kind].get)
	}
	return fmt.Sprintf("d.%s(%d, &%s)", scalars[t.Kind].get, n, x)
}

func (g *generator) getList(elem *schema.Type, n int, x string) string {
	switch elem.Kind {
	case schema.EnumType:
		return fmt.Sprintf("wire.ReadEnums(d, %d, &%s)", n, x)
	case schema.StructType:
		return fmt.Sprintf("wire.ReadMessages(d, %d, &%s)", n, x)
	case schema.UnionType:
		return fmt.Sprintf("wire.ReadUnions(d, %d, &%s, %s)", n, x, g.codec(elem.Union).decode)
	}
	return fmt.Sprintf("d.%s(%d, &%s)", scalars[elem.Kind].list, n, x)
}

func (g *generator) getMap(t *schema.Type, n int, x string) string {
	key := "(*wire.Decoder)." + scalars[t.Key.Kind].get
	switch t.Elem.Kind {
	case schema.EnumType:
		return fmt.Sprintf("wire.ReadMap(d, %d, &%s, %s, wire.ReadEnum)", n, x, key)
	case schema.StructType:
		return fmt.Sprintf("wire.ReadMessageMap(d, %d, &%s, %s)", n, x, key)
	case schema.UnionType:
		return fmt.Sprintf("wire.ReadUnionMap(d, %d, &%s, %s, %s)", n, x, key, g.codec(t.Elem.Union).decode)
	}
	return fmt.Sprintf("wire.ReadMap(d, %d, &%s, %s, (*wire.Decoder).%s)", n, x, key, scalars[t.Elem.Kind].get)
}
