package compat_test

import (
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// pythonUser is goUser for Python. The generated module is g, and run.py is h.
func pythonUser(s *side) string {
	w := &pyWriter{side: s}
	var services, calls, raises []string
	for _, service := range s.file.Services {
		prefix := service.Name
		if service.Own {
			prefix = ""
		}
		w.p(0, "class Doing%s:", service.Name)
		w.p(1, "nothing = None")
		for _, m := range service.Methods {
			if isStream(m) {
				w.streamHandler(m)
				continue
			}
			w.handler(m)
			calls = append(calls, fmt.Sprintf("%q: call%s_%s", methodID(m), service.Name, m.Name))
			var names []string
			for _, x := range m.Exceptions {
				names = append(names, fmt.Sprintf("%q", s.typeID(x.Name)))
			}
			raises = append(raises, fmt.Sprintf("%q: [%s]", methodID(m), strings.Join(names, ", ")))
		}
		for _, m := range service.Methods {
			if !isStream(m) {
				w.caller(m, prefix)
			}
		}
		services = append(services, fmt.Sprintf("g.%sService(Doing%s())", prefix, service.Name))
	}
	w.p(0, "def services():\n    return [%s]", strings.Join(services, ", "))
	w.p(0, "CALLS = {%s}\nRAISES = {%s}", strings.Join(calls, ", "), strings.Join(raises, ", "))
	return w.b.String()
}

type pyWriter struct {
	*side
	b     strings.Builder
	depth int
}

func (w *pyWriter) p(indent int, format string, args ...any) {
	fmt.Fprintf(&w.b, strings.Repeat("    ", indent)+format+"\n", args...)
}

func (w *pyWriter) handler(m *schema.Method) {
	params := []string{"self"}
	for _, p := range m.Params {
		params = append(params, p.Name)
	}
	w.p(1, "def %s(%s):", m.Name, strings.Join(params, ", "))
	w.p(2, "c = h.now")
	for _, p := range m.Params {
		w.note(2, "c.got", fmt.Sprintf("%q", "in "+w.field[p]), p.Type, p.Name)
	}
	for _, x := range m.Exceptions {
		w.p(2, "if c.to_raise == %q:", w.typeID(x.Name))
		w.p(3, "x = g.%s(%s)", x.Name, w.sampleFields(x.Fields, "out "+w.typeID(x.Name), 0))
		w.noteException(3, "c.answered", x)
		w.p(3, "raise x")
	}
	if m.Result == nil {
		return
	}
	w.p(2, "if c.variant == 0:\n            r = %s", w.sample("out result", m.Result, 0))
	w.p(2, "elif c.variant == 1:\n            r = %s", w.sample("out result", m.Result, 1))
	w.p(2, "else:\n            r = %s", w.least(m.Result))
	w.note(2, "c.answered", `"out result"`, m.Result, "r")
	w.p(2, "return r")
}

// streamHandler writes a handler that is there, since a service needs all of them, and is not called: what changes to
// and from streams break is tried out in Go.
func (w *pyWriter) streamHandler(m *schema.Method) {
	params := []string{"self"}
	for _, p := range m.Params {
		params = append(params, p.Name)
	}
	w.p(1, "def %s(%s):\n        return ()", m.Name, strings.Join(params, ", "))
}

func (w *pyWriter) caller(m *schema.Method, prefix string) {
	w.p(0, "def call%s_%s(channel, c):", m.Service.Name, m.Name)
	w.p(1, "client = g.%sClient(channel)\n    try:", prefix)
	for variant := range 3 {
		w.p(2, "if c.variant == %d:", variant)
		w.call(m, variant)
	}
	w.p(2, "pass")
	for _, x := range m.Exceptions {
		w.p(1, "except g.%s as x:\n        c.raised = %q", x.Name, w.typeID(x.Name))
		w.noteException(2, "c.received", x)
		w.p(2, "return")
	}
	if len(m.Exceptions) == 0 {
		w.p(1, "finally:\n        pass")
	}
	if m.Result != nil {
		w.note(1, "c.received", `"out result"`, m.Result, "r")
	}
}

func (w *pyWriter) call(m *schema.Method, variant int) {
	var args, named []string
	for _, p := range m.Params {
		if isOption(p) && variant == 2 {
			continue
		}
		path, t := "in "+w.field[p], *p.Type
		t.Optional = t.Optional && variant == 1 // given as None
		value := w.sample(path, &t, variant)
		if variant == 2 {
			value = w.least(&t)
			if p.Required && t.Kind != schema.StructType && t.Kind != schema.UnionType {
				value = w.sample(path, &t, 0)
			}
		}
		name := "a_" + p.Name
		w.p(3, "%s = %s", name, value)
		w.note(3, "c.sent", fmt.Sprintf("%q", path), &t, name)
		if isOption(p) {
			named = append(named, p.Name+"="+name)
		} else {
			args = append(args, name)
		}
	}
	w.p(3, "r = client.%s(%s)", m.Name, strings.Join(append(args, named...), ", "))
}

func (w *pyWriter) noteException(indent int, to string, x *schema.Exception) {
	for _, f := range x.Fields {
		w.note(indent, to, fmt.Sprintf("%q", "out "+w.typeID(x.Name)+"."+w.field[f]), f.Type, "x."+f.Name)
	}
}

func (w *pyWriter) note(indent int, to, path string, t *schema.Type, x string) {
	if t.Optional {
		required := *t
		required.Optional = false
		w.p(indent, "if %s is not None:", x)
		w.note(indent+1, to, path, &required, x)
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	k, v := fmt.Sprintf("k%d", w.depth), fmt.Sprintf("v%d", w.depth)
	switch t.Kind {
	case schema.List, schema.Map:
		items := "enumerate(" + x + ")"
		if t.Kind == schema.Map {
			items = x + ".items()"
		}
		w.p(indent, "for %s, %s in %s:", k, v, items)
		w.note(indent+1, to, path+` + "[%s]" % `+k, t.Elem, v)
	case schema.EnumType:
		var names []string
		for _, value := range t.Enum.Values {
			names = append(names, fmt.Sprintf("int(g.%s.%s): %q", t.Enum.Name, value.Name,
				w.value[t.Enum][value.Number]))
		}
		w.p(indent, "h.enum(%s, %s, int(%s), {%s})", to, path, x, strings.Join(names, ", "))
	case schema.StructType:
		for _, f := range t.Struct.Fields {
			w.note(indent, to, fmt.Sprintf("%s + %q", path, "."+w.field[f]), f.Type, x+"."+f.Name)
		}
		w.p(indent, "pass")
	case schema.UnionType:
		for _, f := range t.Union.Members {
			w.p(indent, "if isinstance(%s, g.%s%s):", x, t.Union.Name, schema.UpperCamel(f.Name))
			w.note(indent+1, to, fmt.Sprintf("%s + %q", path, "."+w.field[f]), f.Type, x+".value")
		}
	default:
		w.p(indent, "h.add(%s, %s, %s)", to, path, x)
	}
}

func (w *pyWriter) sample(path string, t *schema.Type, variant int) string {
	if t.Optional && variant == 1 {
		return "None"
	}
	n := seed(path, variant)
	switch t.Kind {
	case schema.Bool:
		return "True"
	case schema.Int:
		return fmt.Sprint(w.sampleInt(path, variant))
	case schema.Long:
		return fmt.Sprint(int64(1<<62) + int64(n))
	case schema.Uint:
		return fmt.Sprint(int64(1<<32-1) - int64(n))
	case schema.Ulong:
		return fmt.Sprint(uint64(1<<64-1) - uint64(n))
	case schema.Float:
		return fmt.Sprintf("%d.5", n)
	case schema.Double:
		return fmt.Sprintf("%d.1e200", n+1)
	case schema.String:
		return fmt.Sprintf("%q", fmt.Sprintf("é%d", n))
	case schema.Bytes:
		return fmt.Sprintf("b\"\\xff%d\"", n)
	case schema.Timestamp:
		return fmt.Sprintf("__import__('datetime').datetime.fromtimestamp(%d, __import__('datetime').timezone.utc)",
			n+1)
	case schema.Duration:
		return fmt.Sprintf("__import__('datetime').timedelta(seconds=%d)", n+1)
	case schema.List:
		return "[" + w.sample(path+"[0]", t.Elem, variant) + ", " + w.sample(path+"[1]", t.Elem, variant) + "]"
	case schema.Map:
		return "{" + w.sample(path+"[key]", t.Key, variant) + ": " + w.sample(path+"[]", t.Elem, variant) + "}"
	case schema.EnumType:
		return "g." + t.Enum.Name + "." + sampleValue(t.Enum, variant).Name
	case schema.StructType:
		return "g." + t.Struct.Name + "(" + w.sampleFields(t.Struct.Fields, path, variant) + ")"
	case schema.UnionType:
		f := sampleMember(t.Union, variant)
		return "g." + t.Union.Name + schema.UpperCamel(f.Name) + "(" +
			w.sample(path+"."+w.field[f], f.Type, variant) + ")"
	}
	return ""
}

func (w *pyWriter) sampleFields(fields []*schema.Field, path string, variant int) string {
	var parts []string
	for _, f := range fields {
		parts = append(parts, f.Name+"="+w.sample(path+"."+w.field[f], f.Type, variant))
	}
	return strings.Join(parts, ", ")
}

var pyZeros = map[schema.Kind]string{
	schema.Bool: "False", schema.Int: "0", schema.Long: "0", schema.Uint: "0", schema.Ulong: "0", schema.Float: "0.0",
	schema.Double: "0.0", schema.String: `""`, schema.Bytes: `b""`, schema.List: "[]", schema.Map: "{}",
	schema.Duration: "__import__('datetime').timedelta()", schema.Timestamp: "None",
	schema.UnionType: "None",
}

func (w *pyWriter) least(t *schema.Type) string {
	switch {
	case t.Optional:
		return "None"
	case t.Kind == schema.StructType:
		return "g." + t.Struct.Name + "()"
	case t.Kind == schema.EnumType:
		return "g." + t.Enum.Name + "." + t.Enum.Values[0].Name
	}
	return pyZeros[t.Kind]
}
