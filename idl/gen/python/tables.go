package python

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// tables writes what the codecs read: every type first, then what they consist of, for they may refer to each other.
func (m *module) tables() {
	m.printf("\n\n# --- Tables: the definition as the codecs read it %s\n\n", strings.Repeat("-", 28))
	m.typeTables()
	m.fieldTables()
	for _, s := range m.file.Services {
		m.methodTable(s)
	}
}

func (m *module) typeTables() {
	for _, e := range m.file.Enums {
		var values []string
		for _, v := range e.Values {
			values = append(values, fmt.Sprintf("(%s, %d)", quote(v.Name), v.Number))
		}
		name := m.names.types[e]
		m.lines("", "_type_"+name+" = "+m.use("_Type")+"(\"enum\", "+name+", values=[", values, "])")
	}
	for _, s := range m.file.Structs {
		name := m.names.types[s]
		m.printf("_type_%s = %s(\"struct\", %s)\n", name, m.use("_Type"), name)
	}
	for _, u := range m.file.Unions {
		name := m.names.types[u]
		m.printf("_type_%s = %s(\"union\", %s)\n", name, m.use("_Type"), name)
	}
	for _, e := range m.file.Exceptions {
		name := m.names.types[e]
		items := []string{quote(e.Name), name, quote(words(e.Name))}
		m.lines("", "_type_"+name+" = "+m.use("_Exception")+"(", items, ")")
	}
}

func (m *module) fieldTables() {
	for _, s := range m.file.Structs {
		m.fieldTable(m.names.types[s], s.Fields)
	}
	for _, u := range m.file.Unions {
		m.fieldTable(m.names.types[u], u.Members)
	}
	for _, e := range m.file.Exceptions {
		m.fieldTable(m.names.types[e], e.Fields)
	}
}

func (m *module) fieldTable(name string, fields []*schema.Field) {
	if len(fields) == 0 {
		return
	}
	m.printf("\n_type_%s.has(\n", name)
	for _, f := range fields {
		m.printf("    %s,\n", m.fieldRow("    ", f))
	}
	m.printf(")\n")
}

// fieldRow returns the table of a field that will stand at an indent.
func (m *module) fieldRow(indent string, f *schema.Field) string {
	items := []string{strconv.Itoa(f.Number), quote(f.Name), m.table(f.Type)}
	if f.Default != nil {
		items = append(items, m.plainValue(f.Type, f.Default))
	}
	if attr := m.names.fields[f]; attr != "" && attr != f.Name {
		items = append(items, "attr="+quote(attr))
	}
	if class := m.names.types[f]; class != "" {
		items = append(items, "cls="+class)
	}
	if f.Type.Optional {
		items = append(items, "optional=True")
	}
	if f.Required {
		items = append(items, "required=True")
	}
	return inline(indent, m.use("_Field")+"(", items, ")")
}

var scalarTables = map[schema.Kind]string{
	schema.Bool: "_BOOL", schema.Int: "_INT", schema.Long: "_LONG", schema.Uint: "_UINT", schema.Ulong: "_ULONG",
	schema.Float: "_FLOAT", schema.Double: "_DOUBLE", schema.String: "_STRING", schema.Bytes: "_BYTES",
	schema.Timestamp: "_TIMESTAMP", schema.Duration: "_DURATION",
}

// table returns the name of a type's table.
func (m *module) table(t *schema.Type) string {
	switch t.Kind {
	case schema.List:
		return m.use("_list") + "(" + m.table(t.Elem) + ")"
	case schema.Map:
		return m.use("_map") + "(" + m.table(t.Key) + ", " + m.table(t.Elem) + ")"
	case schema.EnumType, schema.StructType, schema.UnionType:
		return m.typeName(t, "_type_")
	}
	return m.use(scalarTables[t.Kind])
}

// plainValue returns a default as codecs see it.
func (m *module) plainValue(t *schema.Type, v *schema.Value) string {
	switch t.Kind {
	case schema.Timestamp:
		return fmt.Sprintf("(%d, %d)", v.Time.Unix(), v.Time.Nanosecond())
	case schema.Duration:
		return strconv.FormatInt(int64(v.Duration), 10)
	case schema.EnumType:
		return strconv.Itoa(int(v.Enum.Number))
	}
	return scalar(t.Kind, v)
}

func (m *module) methodTable(s *schema.Service) {
	m.printf("\n_methods_%s = %s(\n    %s, %s,\n", s.Name, m.use("_Methods"), quote(s.File.Package), quote(s.Name))
	for _, method := range s.Methods {
		m.lines("    ", m.use("_Method")+"(", m.methodRow(method), "),")
	}
	m.printf("    own=%s)\n", map[bool]string{true: "True", false: "False"}[s.Own])
}

func (m *module) methodRow(method *schema.Method) []string {
	items := []string{quote(method.Name)}
	for _, f := range method.Params {
		items = append(items, m.fieldRow("        ", f))
	}
	if method.Result != nil {
		items = append(items, "result="+m.table(method.Result))
		if method.Result.Optional {
			items = append(items, "optional=True")
		}
	}
	if attr := m.names.methods[method]; attr != method.Name {
		items = append(items, "attr="+quote(attr))
	}
	if isStream(method) {
		items = append(items, "stream=True")
	}
	if method.Timeout > 0 {
		items = append(items, "timeout="+float(method.Timeout.Seconds(), 64))
	}
	if len(method.Exceptions) > 0 {
		var tables []string
		for _, e := range method.Exceptions {
			tables = append(tables, m.names.of(e, e.File, "_type_"))
		}
		items = append(items, "exceptions=["+strings.Join(tables, ", ")+"]")
	}
	return items
}

// runtime writes the runtime where the module has to bring its own.
func (m *module) runtime() {
	if len(m.file.Imports) > 0 {
		return
	}
	m.printf("\n\n# What follows is the same in every module, up to the tables at its end.\n")
	for _, text := range runtimeTexts {
		m.printf("\n\n%s", text)
	}
}

var runtimeTexts = readRuntime()

func readRuntime() []string {
	var texts []string
	for _, part := range runtimeParts {
		text, err := fs.ReadFile(runtimeFiles, "runtime/"+part)
		if err != nil {
			panic(err) // the file is part of this program
		}
		texts = append(texts, string(text))
	}
	return texts
}

// runtimeNames are the names at the top level of the runtime.
var runtimeNames = func() map[string]bool {
	found := make(map[string]bool)
	for _, text := range runtimeTexts {
		for _, match := range topLevel.FindAllStringSubmatch(text, -1) {
			found[match[1]] = true
		}
	}
	return found
}()

var topLevel = regexp.MustCompile(`(?m)^(?:class |def )?([A-Za-z_]\w*)(?:[(:]| = |: .* = )`)

// header returns what stands above the classes, which is known when they are written.
func (m *module) header() string {
	h := &module{file: m.file, names: m.names, used: m.used}
	h.docstring("", h.file.Doc, h.summary())
	h.printf("\n# Generated by yodel from %s. Do not edit.\n\nfrom __future__ import annotations\n\n", base(m.file.Path))
	h.imports()
	h.printf("\n")
	if len(m.file.Imports) > 0 {
		h.moduleImports()
	}
	h.lines("", "__all__ = [", h.public(), "]")
	return h.out.String()
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func (m *module) summary() string {
	if len(m.file.Services) == 0 {
		return "The types of " + m.file.Package + "."
	}
	var names []string
	for _, s := range m.file.Services {
		names = append(names, s.Name)
	}
	return "Clients and services of " + m.file.Package + ": " + strings.Join(names, ", ") + "."
}

func (m *module) imports() {
	runtime := len(m.file.Imports) == 0
	for _, name := range importedModules {
		if m.used[name] || runtime && name != "dataclasses" {
			m.printf("import %s\n", name)
		}
	}
	for _, from := range importedNames {
		var wanted []string
		for _, name := range from.names {
			if m.used[name] || runtime && runtimeImports[name] {
				wanted = append(wanted, name)
			}
		}
		if len(wanted) > 0 {
			m.importFrom(from.module, wanted)
		}
	}
}

func (m *module) importFrom(module string, names []string) {
	if line := "from " + module + " import " + strings.Join(names, ", "); len(line) <= width {
		m.printf("%s\n", line)
		return
	}
	m.printf("from %s import (\n", module)
	for _, line := range wrap(strings.Join(names, ", ")+")", width-4) {
		m.printf("    %s\n", line)
	}
}

// moduleImports writes the imports of other generated modules, and what the module takes from the first.
func (m *module) moduleImports() {
	var inPackage, onPath []string
	for _, f := range m.file.Imports {
		a, b := m.names.importLines(f)
		inPackage, onPath = append(inPackage, a), append(onPath, b)
	}
	m.printf("if __package__:\n    %s\n", strings.Join(inPackage, "\n    "))
	m.printf("else:\n    %s\n\n", strings.Join(onPath, "\n    "))
	names := slices.Clone(publicNames)
	for name := range m.used {
		if runtimeNames[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		m.printf("%s = %s.%s\n", name, m.names.imports[m.file.Imports[0]], name)
	}
	m.printf("\n")
}

// public returns what the module gives to its users, quoted.
func (m *module) public() []string {
	names := slices.Clone(publicNames)
	for _, name := range m.names.types {
		names = append(names, name)
	}
	for _, stub := range m.names.client {
		names = append(names, stub.client, stub.handler, stub.service)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = quote(name)
	}
	return names
}
