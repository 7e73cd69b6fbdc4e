package python

import (
	"fmt"
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
		items := []string{quote("struct"), name, "full_name=" + quote(s.File.Package+"."+s.Name)}
		m.lines("", "_type_"+name+" = "+m.use("_Type")+"(", items, ")")
	}
	for _, u := range m.file.Unions {
		name := m.names.types[u]
		m.printf("_type_%s = %s(\"union\", %s)\n", name, m.use("_Type"), name)
	}
	for _, e := range m.file.Exceptions {
		name := m.names.types[e]
		items := []string{quote(e.Name), name, quote(words(e.Name)), "full_name=" + quote(e.File.Package+"."+e.Name)}
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
		m.printf("    %s,\n", strings.ReplaceAll(m.fieldRow("    ", f, false), "\n", "\n    "))
	}
	m.printf(")\n")
}

// fieldRow returns the table of a field that will stand at an indent.
func (m *module) fieldRow(indent string, f *schema.Field, stream bool) string {
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
	if f.Sensitive {
		items = append(items, "sensitive=True")
	}
	if stream {
		items = append(items, "stream=True")
	}
	if constraints := m.constraints(indent+"    ", f); constraints != "" {
		items = append(items, constraints)
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
		items = append(items, m.fieldRow("        ", f, f == method.StreamParam))
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
	if method.StreamResult {
		items = append(items, "server_stream=True")
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
