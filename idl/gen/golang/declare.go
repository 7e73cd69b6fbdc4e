package golang

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// structure writes a struct.
func (g *generator) structure(s *schema.Struct) {
	m := newChecked(s.Name, s.Fields, "MarshalJSON", "UnmarshalJSON", "String", "YodelName")
	defaults := hasDefaults(s.Fields)
	doc := cmp.Or(s.Doc, fmt.Sprintf("%s is the struct %s.%s.", s.Name, g.file.Package, s.Name))
	if defaults {
		doc += fmt.Sprintf(
			"\n\n%s fills in the defaults. The fields of %s{} are zero, and are sent as such where zero is "+
				"not the default.", g.names.create[s], s.Name)
	}
	g.doc(doc, "")
	g.structType(m)
	if defaults {
		create := g.names.create[s]
		g.p("// %s returns %s with its defaults.", create, s.Name)
		g.p("func %s() %s {\nreturn %s\n}\n", create, s.Name, g.defaults(m))
		m.create = create + "()"
	}
	g.yodelName(s.Name)
	g.messageMethods(m)
	g.json(m)
	g.masking(m)
}

// yodelName writes the method by which an error's details know their type.
func (g *generator) yodelName(name string) {
	g.p("// YodelName implements rpc.DetailMessage.")
	g.p("func (m *%s) YodelName() string { return %q }\n", name, g.file.Package+"."+name)
}

// json writes the methods of encoding/json.
func (g *generator) json(m message) {
	if m.sensitive {
		g.refusing(m.name, "wire.Mask(&m)")
	} else {
		g.p("// MarshalJSON returns m in protobuf's JSON.")
		g.p("func (m %s) MarshalJSON() ([]byte, error) { return wire.MarshalJSON(&m) }\n", m.name)
	}
	g.p("// UnmarshalJSON reads m from protobuf's JSON; fields that are absent get their defaults.")
	g.p("func (m *%s) UnmarshalJSON(data []byte) error { return wire.UnmarshalJSON(data, m) }\n", m.name)
}

// exception writes an exception.
func (g *generator) exception(x *schema.Exception) {
	m := newMessage(x.Name, x.Fields, "MarshalJSON", "UnmarshalJSON", "String", "Error", "YodelException", "YodelName")
	words := strings.Join(schema.Words(x.Name), " ")
	g.doc(cmp.Or(x.Doc, fmt.Sprintf("%s is the exception %s.%s.", x.Name, g.file.Package, x.Name)), "")
	g.structType(m)
	create := g.names.create[x]
	if hasDefaults(x.Fields) {
		g.p("// %s returns %s with its defaults.", create, x.Name)
		g.p("func %s() *%s { return &%s }\n", create, x.Name, g.defaults(m))
		m.create = "*" + create + "()"
	}
	g.exceptionError(m, words)
	g.p("// YodelException implements rpc.Exception.")
	g.p("func (m *%s) YodelException() (name string, code rpc.Code) {\nreturn %q, rpc.%s\n}\n",
		x.Name, g.file.Package+"."+x.Name, schema.UpperCamel(x.Code))
	g.yodelName(x.Name)
	g.messageMethods(m)
	g.json(m)
	g.maskingError(m)
}

// exceptionError writes Error: the message, if there is one that may be shown, else the exception's name as words.
func (g *generator) exceptionError(m message, words string) {
	for _, f := range m.fields {
		if f.Name == "message" && f.Type.Kind == schema.String && !f.Type.Optional && !f.Sensitive {
			g.p("// Error returns the message, or %q if it is empty.", words)
			g.p("func (m *%s) Error() string { return %s.Or(m.%s, %q) }\n", m.name, g.use("cmp"), f.goName, words)
			return
		}
	}
	g.p("// Error returns the exception's name as words.")
	g.p("func (m *%s) Error() string { return %q }\n", m.name, words)
}

// enum writes an enum.
func (g *generator) enum(e *schema.Enum) {
	g.doc(cmp.Or(e.Doc, fmt.Sprintf("%s is the enum %s.%s.", e.Name, g.file.Package, e.Name)), "")
	g.p("type %s int32\n\n// The values of %s.\nconst (", e.Name, e.Name)
	for _, v := range e.Values {
		g.doc(v.Doc, v.Deprecated)
		g.p("%s %s = %d", valueName(e, v.Name), e.Name, v.Number)
	}
	g.p(")\n")
	g.enumText(e)
}

func (g *generator) enumText(e *schema.Enum) {
	var names []string
	g.p("// String returns the name of x, or its number in decimal if it has none.")
	g.p("func (x %s) String() string {\nswitch x {", e.Name)
	for _, v := range e.Values {
		names = append(names, v.Name)
		g.p("case %s:\nreturn %q", valueName(e, v.Name), v.Name)
	}
	g.p("}\nreturn %s.Itoa(int(x))\n}\n", g.use("strconv"))
	g.p("// MarshalText returns what String returns.")
	g.p("func (x %s) MarshalText() ([]byte, error) { return []byte(x.String()), nil }\n", e.Name)
	g.p("// UnmarshalText reads a name or a decimal number.")
	g.p("func (x *%s) UnmarshalText(text []byte) error {\nswitch string(text) {", e.Name)
	for _, v := range e.Values {
		g.p("case %q:\n*x = %s", v.Name, valueName(e, v.Name))
	}
	g.p("default:\nn, err := strconv.ParseInt(string(text), 10, 32)\nif err != nil {")
	g.p("return %s.Errorf(\"%%q is no %s, which are %s\", text)\n}", g.use("fmt"), e.Name, strings.Join(names, ", "))
	g.p("*x = %s(n)\n}\nreturn nil\n}\n", e.Name)
}

// union writes a union: a sealed interface, and a struct of one field for each member.
func (g *generator) union(u *schema.Union) {
	var members []string
	for _, m := range u.Members {
		members = append(members, memberName(u, m))
	}
	codec := g.names.codec[u]
	if u.Doc != "" {
		g.doc(u.Doc, "")
		g.p("//")
	}
	g.comment(fmt.Sprintf("%s is one of %s; nil is none of them.", u.Name, strings.Join(members, ", ")))
	g.p("type %s interface{ is%s(%s) }\n", u.Name, u.Name, strings.Join(members, ", "))
	for i, m := range u.Members {
		name := members[i]
		goName := memberField(u, m)
		doc := cmp.Or(m.Doc, fmt.Sprintf("%s is the member %s of %s.", name, m.Name, u.Name))
		g.doc(withLimits(doc, m), m.Deprecated)
		g.p("type %s struct {\n%s %s `yodel:\"%s\"`\n}\n", name, goName, g.goType(m.Type), tag(m))
		g.p("func (%s) is%s(%s) {}\n", name, u.Name, strings.Join(members, ", "))
		g.memberMasking(u, m)
	}
	g.encodeUnion(u, codec.encode)
	g.decodeUnion(u, codec.decode)
	g.checkUnion(u)
}

func (g *generator) encodeUnion(u *schema.Union, name string) {
	g.p("// %s writes the member that u is. Generated code calls it.", name)
	g.p("func %s(e *%s.Encoder, u %s) {\nswitch u := u.(type) {", name, g.use(wirePath), u.Name)
	for _, m := range u.Members {
		always := *m
		always.Required = true
		g.p("case %s:\n%s", memberName(u, m), g.put(&always, "u."+memberField(u, m)))
	}
	g.p("default:\nwire.PutPointer(e, u, %s)\n}\n}\n", name)
}

func (g *generator) decodeUnion(u *schema.Union, name string) {
	g.p("// %s returns the member that comes last, else u. Generated code calls it.", name)
	g.p("func %s(d *wire.Decoder, u %s) %s {\nfor d.Next() {", name, u.Name, u.Name)
	for _, m := range u.Members {
		member, field := memberName(u, m), "v."+memberField(u, m)
		read := g.get(m.Type, m.Number, field)
		switch {
		case m.Type.Kind != schema.StructType && m.Type.Kind != schema.UnionType:
			g.p("if v := (%s{}); %s {\nu = v\n}", member, read)
			continue
		case m.Type.Kind == schema.StructType && hasDefaults(m.Type.Struct.Fields):
			g.p("if d.Field() == %d {\nv, ok := u.(%s)\nif !ok {\n%s.Reset()\n}", m.Number, member, field)
		default:
			g.p("if d.Field() == %d {\nv, _ := u.(%s)", m.Number, member)
		}
		g.p("if %s {\nu = v\n}\n}", read)
	}
	g.p("}\nreturn u\n}\n")
}
