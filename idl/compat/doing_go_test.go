package compat_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/gen/golang"
	"github.com/yodelrpc/yodel/idl/schema"
)

// goUser returns what somebody writes in Go against the code that is generated for a version: handlers that note what
// they get and answer with sample values, and callers. It stands in the package of that code.
func goUser(s *side) string {
	w := &goWriter{side: s, options: map[*schema.Field]string{}}
	w.nameOptions()
	var services, calls, raises strings.Builder
	for _, service := range s.file.Services {
		prefix := service.Name
		if service.Own {
			prefix = ""
		}
		w.p("type doing%s struct{}\n", service.Name)
		fmt.Fprintf(&services, "New%sService(doing%s{}),\n", prefix, service.Name)
		for _, m := range service.Methods {
			w.handler(m)
			w.caller(m, prefix)
			if !isStream(m) {
				fmt.Fprintf(&calls, "%q: call%s_%s,\n", methodID(m), service.Name, m.Name)
			}
			var names []string
			for _, x := range m.Exceptions {
				names = append(names, fmt.Sprintf("%q", s.typeID(x.Name)))
			}
			fmt.Fprintf(&raises, "%q: {%s},\n", methodID(m), strings.Join(names, ", "))
		}
	}
	w.p("var DoingUser = &harness.User{\nServices: func() []*rpc.Service { return []*rpc.Service{\n%s} },", &services)
	w.p("Calls: map[string]func(context.Context, rpc.Channel, *harness.Call){\n%s},", &calls)
	w.p("Raises: map[string][]string{\n%s},\n}", &raises)
	return "package " + golang.Package(s.file) +
		"\n\nimport (\n\"context\"\n\"errors\"\n\"fmt\"\n\"iter\"\n\"time\"\n\n" +
		"\"github.com/yodelrpc/yodel/rpc\"\n\n\"example.test/doing/harness\"\n)\n\n" +
		"var _ = fmt.Sprint\nvar _ = errors.As\nvar _ time.Time\nvar _ iter.Seq[int]\n\n" + w.b.String()
}

type goWriter struct {
	*side
	b       strings.Builder
	options map[*schema.Field]string
	depth   int
}

func (w *goWriter) p(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// nameOptions names options as docs/client.md says.
func (w *goWriter) nameOptions() {
	taken := map[string]bool{}
	for _, x := range w.file.Structs {
		taken[x.Name] = true
	}
	for _, x := range w.file.Enums {
		taken[x.Name] = true
	}
	for _, m := range methods(w.file) {
		for _, p := range m.Params {
			if isOption(p) {
				name := schema.UpperCamel(p.Name)
				if taken[name] {
					name = schema.UpperCamel(m.Name) + name
				}
				taken[name], w.options[p] = true, name
			}
		}
	}
}

func (w *goWriter) handler(m *schema.Method) {
	var params []string
	for _, p := range m.Params {
		t := goType(p.Type)
		if p == m.StreamParam {
			t = "iter.Seq2[" + t + ", error]"
		}
		params = append(params, "p_"+p.Name+" "+t)
	}
	head := fmt.Sprintf("func (doing%s) %s(%s)", m.Service.Name, schema.UpperCamel(m.Name),
		strings.Join(append([]string{"ctx context.Context"}, params...), ", "))
	if m.StreamResult {
		w.p("%s iter.Seq2[%s, error] { return nil }\n", head, goType(m.Result))
		return
	}
	result, zero := "error", ""
	if m.Result != nil {
		result, zero = "(r "+goType(m.Result)+", err error)", "r, "
	}
	w.p("%s %s {\nc := harness.Now\n_ = c", head, result)
	for _, p := range m.Params {
		if p != m.StreamParam {
			w.note("c.Got", fmt.Sprintf("%q", "in "+w.field[p]), p.Type, "p_"+p.Name)
		}
	}
	w.p("switch c.Raise {")
	for _, x := range m.Exceptions {
		w.p("case %q:\nx := &%s{%s}", w.typeID(x.Name), x.Name, w.sampleFields(x.Fields, "out "+w.typeID(x.Name), 0))
		w.noteException("c.Answered", x)
		w.p("return %sx", zero)
	}
	w.p("}")
	if m.Result != nil {
		w.p("switch c.Variant {\ncase 0:\nr = %s\ncase 1:\nr = %s\ndefault:\nr = %s\n}",
			w.sample("out result", m.Result, 0), w.sample("out result", m.Result, 1), w.least(m.Result))
		w.note("c.Answered", `"out result"`, m.Result, "r")
	}
	w.p("return %snil\n}\n", zero)
}

func (w *goWriter) caller(m *schema.Method, prefix string) {
	w.p("func call%s_%s(ctx context.Context, ch rpc.Channel, c *harness.Call) {", m.Service.Name, m.Name)
	w.p("client := New%sClient(ch)\n_ = client", prefix)
	if m.Result != nil && !m.StreamResult {
		w.p("var r %s", goType(m.Result))
	}
	w.p("var err error\nswitch c.Variant {")
	for variant := range 3 {
		w.p("case %d:", variant)
		w.call(m, variant)
	}
	w.p("}")
	w.p("switch {\ncase err == nil:")
	if m.Result != nil && !m.StreamResult {
		w.note("c.Received", `"out result"`, m.Result, "r")
		w.p("c.Traits.Hidden(\"result\", r)")
	}
	w.p("default:\nc.Err = err.Error()\n}")
	for _, x := range m.Exceptions {
		w.p("{\nvar x *%s\nif errors.As(err, &x) {\nc.Raised, c.Err = %q, \"\"", x.Name, w.typeID(x.Name))
		w.noteException("c.Received", x)
		w.p("_, code := x.YodelException()\nc.Traits.Add(\"code\", code)\n}\n}")
	}
	w.p("}\n")
}

// call writes one call with the values of a variant.
func (w *goWriter) call(m *schema.Method, variant int) {
	args := []string{"ctx"}
	var options []string
	for _, p := range m.Params {
		path, t := "in "+w.field[p], *p.Type
		switch {
		case p == m.StreamParam:
			args = append(args, fmt.Sprintf("func(yield func(%s) bool) {}", goType(p.Type)))
			continue
		case isOption(p) && variant == 2:
			continue
		case isOption(p):
			t.Optional = false
		}
		value := w.sample(path, &t, variant)
		if variant == 2 {
			value = w.least(&t)
			if p.Required && t.Kind != schema.StructType && t.Kind != schema.UnionType {
				value = w.sample(path, &t, 0)
			}
		}
		name := fmt.Sprintf("a_%s", p.Name)
		w.p("var %s %s = %s", name, goType(&t), value)
		w.note("c.Sent", fmt.Sprintf("%q", path), &t, name)
		if t.Kind == schema.StructType {
			w.p("c.Traits.Hidden(%q, %s)", path, name)
		}
		if isOption(p) {
			options = append(options, fmt.Sprintf("%s(%s)", w.options[p], name))
		} else {
			args = append(args, name)
		}
	}
	call := fmt.Sprintf("client.%s(%s)", schema.UpperCamel(m.Name), strings.Join(slices.Concat(args, options), ", "))
	switch {
	case m.StreamResult:
		w.p("for r, err := range %s {\nvar _ %s = r\n_ = err\n}", call, goType(m.Result))
	case m.Result == nil:
		w.p("err = %s", call)
	default:
		w.p("r, err = %s", call)
	}
}

func (w *goWriter) noteException(to string, x *schema.Exception) {
	for _, f := range x.Fields {
		w.note(to, fmt.Sprintf("%q", "out "+w.typeID(x.Name)+"."+w.field[f]), f.Type, "x."+schema.UpperCamel(f.Name))
	}
}

// note writes statements that note the value of an expression at a path, which is an expression too.
func (w *goWriter) note(to, path string, t *schema.Type, x string) {
	if t.Optional && t.Kind != schema.UnionType {
		required := *t
		required.Optional = false
		w.p("if %s != nil {", x)
		w.note(to, path, &required, "(*"+x+")")
		w.p("}")
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	k, v := fmt.Sprintf("k%d", w.depth), fmt.Sprintf("v%d", w.depth)
	switch t.Kind {
	case schema.List, schema.Map:
		w.p("for %s, %s := range %s {", k, v, x)
		w.note(to, path+` + fmt.Sprintf("[%v]", `+k+`)`, t.Elem, v)
		w.p("}")
	case schema.EnumType:
		var names []string
		for _, value := range t.Enum.Values {
			names = append(names, fmt.Sprintf("int32(%s%s): %q", t.Enum.Name,
				schema.UpperCamel(value.Name), w.value[t.Enum][value.Number]))
		}
		w.p("%s.Enum(%s, int32(%s), map[int32]string{%s})", to, path, x, strings.Join(names, ", "))
	case schema.StructType:
		for _, f := range t.Struct.Fields {
			w.note(to, fmt.Sprintf("%s + %q", path, "."+w.field[f]), f.Type, x+"."+schema.UpperCamel(f.Name))
		}
	case schema.UnionType:
		w.p("switch %s := %s.(type) {", v, x)
		for _, f := range t.Union.Members {
			w.p("case %s%s:", t.Union.Name, schema.UpperCamel(f.Name))
			w.note(to, fmt.Sprintf("%s + %q", path, "."+w.field[f]), f.Type, v+"."+schema.UpperCamel(f.Name))
		}
		w.p("}")
	default:
		w.p("%s.Add(%s, %s)", to, path, x)
	}
}

// sample returns an expression of a value that is different for each path.
func (w *goWriter) sample(path string, t *schema.Type, variant int) string {
	if t.Optional && t.Kind != schema.UnionType {
		required := *t
		required.Optional = false
		return fmt.Sprintf("harness.Ptr[%s](%s)", goType(&required), w.sample(path, &required, variant))
	}
	n := seed(path, variant)
	switch t.Kind { // typed, as a program's variables are
	case schema.Bool:
		return "bool(true)"
	case schema.Int:
		return fmt.Sprintf("int32(%d)", w.sampleInt(path, variant))
	case schema.Long:
		return fmt.Sprintf("int64(%d)", int64(1<<62)+int64(n))
	case schema.Uint:
		return fmt.Sprintf("uint32(%d)", int64(1<<32-1)-int64(n))
	case schema.Ulong:
		return fmt.Sprintf("uint64(%d)", uint64(1<<64-1)-uint64(n))
	case schema.Float:
		return fmt.Sprintf("float32(%d.5)", n)
	case schema.Double:
		return fmt.Sprintf("float64(%d.1e200)", n+1)
	case schema.String:
		return fmt.Sprintf("string(%q)", fmt.Sprintf("é%d", n))
	case schema.Bytes:
		return fmt.Sprintf("[]byte(\"\\xff%d\")", n)
	case schema.Timestamp:
		return fmt.Sprintf("time.Unix(%d, 0).UTC()", n+1)
	case schema.Duration:
		return fmt.Sprintf("%d * time.Second", n+1)
	case schema.List:
		return goType(t) + "{" + w.sample(path+"[0]", t.Elem, variant) + ", " +
			w.sample(path+"[1]", t.Elem, variant) + "}"
	case schema.Map:
		return goType(t) + "{" + w.sample(path+"[key]", t.Key, variant) + ": " +
			w.sample(path+"[]", t.Elem, variant) + "}"
	case schema.EnumType:
		return t.Enum.Name + schema.UpperCamel(sampleValue(t.Enum, variant).Name)
	case schema.StructType:
		return t.Struct.Name + "{" + w.sampleFields(t.Struct.Fields, path, variant) + "}"
	case schema.UnionType:
		f := sampleMember(t.Union, variant)
		return t.Union.Name + schema.UpperCamel(f.Name) + "{" + schema.UpperCamel(f.Name) + ": " +
			w.sample(path+"."+w.field[f], f.Type, variant) + "}"
	}
	return ""
}

func (w *goWriter) sampleFields(fields []*schema.Field, path string, variant int) string {
	var parts []string
	for _, f := range fields {
		parts = append(parts, schema.UpperCamel(f.Name)+": "+w.sample(path+"."+w.field[f], f.Type, variant))
	}
	return strings.Join(parts, ", ")
}

// least returns a value with nothing in it but defaults.
func (w *goWriter) least(t *schema.Type) string {
	if t.Kind == schema.StructType && !t.Optional && hasDefaults(t.Struct.Fields) {
		return "New" + t.Struct.Name + "()"
	}
	return "*new(" + goType(t) + ")"
}

func hasDefaults(fields []*schema.Field) bool {
	return slices.ContainsFunc(fields, func(f *schema.Field) bool {
		return f.Default != nil ||
			f.Type.Kind == schema.StructType && !f.Type.Optional && hasDefaults(f.Type.Struct.Fields)
	})
}

var goScalars = map[schema.Kind]string{
	schema.Bool: "bool", schema.Int: "int32", schema.Long: "int64", schema.Uint: "uint32", schema.Ulong: "uint64",
	schema.Float: "float32", schema.Double: "float64", schema.String: "string", schema.Bytes: "[]byte",
	schema.Timestamp: "time.Time", schema.Duration: "time.Duration",
}

func goType(t *schema.Type) string {
	if t.Optional && t.Kind != schema.UnionType {
		required := *t
		required.Optional = false
		return "*" + goType(&required)
	}
	switch t.Kind {
	case schema.List:
		return "[]" + goType(t.Elem)
	case schema.Map:
		return "map[" + goType(t.Key) + "]" + goType(t.Elem)
	case schema.EnumType:
		return t.Enum.Name
	case schema.StructType:
		return t.Struct.Name
	case schema.UnionType:
		return t.Union.Name
	}
	return goScalars[t.Kind]
}
