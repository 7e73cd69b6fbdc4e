package python

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
)

// types writes the classes for what the file declares.
func (m *module) types() {
	for _, e := range m.file.Enums {
		m.enum(e)
	}
	for _, e := range m.file.Exceptions {
		m.exception(e)
	}
	for _, s := range m.file.Structs {
		m.structure(s)
	}
	for _, u := range m.file.Unions {
		m.union(u)
	}
}

// class writes the head of a class and its documentation, or the words that stand in for one.
func (m *module) class(name, base, doc, standIn string) {
	if doc == "" {
		doc = standIn
	}
	if base != "" {
		base = "(" + base + ")"
	}
	m.printf("class %s%s:\n", name, base)
	m.docstring("    ", doc)
}

func (m *module) enum(e *schema.Enum) {
	m.printf("\n\n")
	m.class(m.names.types[e], m.use("IntEnum"), e.Doc, "The values of "+e.Name+".")
	m.printf("\n")
	for i, v := range e.Values {
		m.comment("    ", v.Doc)
		m.comment("    ", deprecated(v.Deprecated))
		m.printf("    %s = %d\n", m.names.values[e][i], v.Number)
	}
	m.printf("\n    @classmethod\n    def _missing_(cls, value: object) -> %s:\n", m.use("Any"))
	m.printf("        return %s(cls, value)\n", m.use("_unknown_enum"))
}

func (m *module) structure(s *schema.Struct) {
	m.dataclass(s.Fields)
	m.class(m.names.types[s], "", s.Doc, "The struct "+s.Name+".")
	m.fields(s.Fields)
	m.masking(s.Fields)
	m.declared[s] = true
}

// dataclass writes the decorator of a class with the given fields.
func (m *module) dataclass(fields []*schema.Field, options ...string) {
	if hasSensitive(fields) {
		options = append(options, "repr=False")
	}
	m.printf("\n\n@%s", m.use("dataclasses")+".dataclass")
	if len(options) > 0 {
		m.printf("(%s)", strings.Join(options, ", "))
	}
	m.printf("\n")
}

func hasSensitive(fields []*schema.Field) bool {
	return slices.ContainsFunc(fields, func(f *schema.Field) bool { return f.Sensitive })
}

// masking writes the repr of a class, with *** in place of the fields that are sensitive, if there are any.
func (m *module) masking(fields []*schema.Field) {
	if !hasSensitive(fields) {
		return
	}
	args := []string{"self"}
	for _, f := range fields {
		if f.Sensitive {
			args = append(args, quote(m.names.fields[f]))
		}
	}
	m.printf("\n    def __repr__(self) -> str:\n")
	m.lines("        ", "return "+m.use("_masked")+"(", args, ")")
}

func (m *module) fields(fields []*schema.Field) {
	if len(fields) > 0 {
		m.printf("\n")
	}
	for _, f := range fields {
		m.comment("    ", documented(f.Doc, f))
		m.comment("    ", deprecated(f.Deprecated))
		head := m.names.fields[f] + ": " + m.fieldHint(f) + " = "
		if call, args := m.fieldDefault(f); call != "" {
			m.lines("    ", head+call+"(", args, ")")
		} else {
			m.printf("    %s\n", head+args[0])
		}
	}
}

func (m *module) exception(e *schema.Exception) {
	m.dataclass(e.Fields, "eq=False")
	m.class(m.names.types[e], "Exception", e.Doc, "The declared exception "+e.Name+".")
	m.fields(e.Fields)
	if hasSensitive(e.Fields) {
		m.printf(
			"\n    def __post_init__(self) -> None:\n        self.args = ()  # which else shows what is sensitive\n")
	}
	m.masking(e.Fields)
	text := quote(words(e.Name))
	for _, f := range e.Fields {
		if f.Name == "message" && f.Type.Kind == schema.String && !f.Type.Optional && !f.Sensitive {
			text = "self." + m.names.fields[f]
		}
	}
	m.printf("\n    def __str__(self) -> str:\n        return %s\n", text)
}

func (m *module) union(u *schema.Union) {
	var members []string
	for _, f := range u.Members {
		members = append(members, m.names.types[f])
	}
	m.printf("\n\n")
	m.class(m.names.types[u], "", u.Doc, "A union: "+strings.Join(members, ", ")+", or None for none of them.")
	for i, f := range u.Members {
		m.dataclass(u.Members[i : i+1])
		m.class(members[i], m.names.types[u], documented(f.Doc, f),
			fmt.Sprintf("The member %s of %s.", f.Name, u.Name))
		m.printf("\n    value: %s\n", m.hint(f.Type))
		if f.Sensitive {
			m.printf("\n    def __repr__(self) -> str:\n        return %s(self, \"value\")\n", m.use("_masked"))
		}
	}
}

var scalarHints = map[schema.Kind]string{
	schema.Bool: "bool", schema.Int: "int", schema.Long: "int", schema.Uint: "int", schema.Ulong: "int",
	schema.Float: "float", schema.Double: "float", schema.String: "str", schema.Bytes: "bytes",
}

// hint returns the type hint for a type, T? apart.
func (m *module) hint(t *schema.Type) string {
	switch t.Kind {
	case schema.Timestamp:
		return m.use("datetime")
	case schema.Duration:
		return m.use("timedelta")
	case schema.List:
		return m.use("List") + "[" + m.hint(t.Elem) + "]"
	case schema.Map:
		return m.use("Dict") + "[" + m.hint(t.Key) + ", " + m.hint(t.Elem) + "]"
	case schema.EnumType, schema.StructType:
		return m.typeName(t, "")
	case schema.UnionType:
		return m.optional(m.typeName(t, ""))
	default:
		return scalarHints[t.Kind]
	}
}

func (m *module) optional(hint string) string {
	if strings.HasPrefix(hint, "Optional[") {
		return hint
	}
	return m.use("Optional") + "[" + hint + "]"
}

// typeName returns the name of the class of an enum, struct or union, or with a prefix that of its table.
func (m *module) typeName(t *schema.Type, prefix string) string {
	switch t.Kind {
	case schema.EnumType:
		return m.names.of(t.Enum, t.Enum.File, prefix)
	case schema.UnionType:
		return m.names.of(t.Union, t.Union.File, prefix)
	default:
		return m.names.of(t.Struct, t.Struct.File, prefix)
	}
}

// fieldHint returns the hint for a field of a class, where a timestamp may be absent.
func (m *module) fieldHint(f *schema.Field) string {
	if f.Type.Optional || f.Type.Kind == schema.Timestamp {
		return m.optional(m.hint(f.Type))
	}
	return m.hint(f.Type)
}

// fieldDefault returns what stands behind the = of a field of a class: a call and its arguments, or a value alone.
func (m *module) fieldDefault(f *schema.Field) (call string, args []string) {
	if factory := m.factory(f); factory != "" {
		return m.use("dataclasses") + ".field", []string{"default_factory=" + factory}
	}
	return "", []string{m.plainDefault(f)}
}

// factory returns what makes the default of a field whose values can be changed; empty for other fields.
func (m *module) factory(f *schema.Field) string {
	switch {
	case f.Type.Optional:
		return ""
	case f.Type.Kind == schema.List:
		return "list"
	case f.Type.Kind == schema.Map:
		return "dict"
	case f.Type.Kind != schema.StructType:
		return ""
	case m.isDeclared(f.Type.Struct):
		return m.typeName(f.Type, "")
	}
	return "lambda: " + m.typeName(f.Type, "") + "()"
}

// isDeclared reports whether a struct's class stands above what is being written.
func (m *module) isDeclared(s *schema.Struct) bool { return s.File != m.file || m.declared[s] }

// plainDefault returns the default of a field or parameter whose values cannot be changed.
func (m *module) plainDefault(f *schema.Field) string {
	t := f.Type
	if f.Default != nil {
		return m.value(t, f.Default)
	}
	if t.Optional || t.Kind == schema.Timestamp || t.Kind == schema.UnionType {
		return "None"
	}
	zero := &schema.Value{}
	if t.Kind == schema.EnumType {
		zero.Enum = &t.Enum.Values[0]
	}
	return m.value(t, zero)
}

// value returns a default as the user's type.
func (m *module) value(t *schema.Type, v *schema.Value) string {
	switch t.Kind {
	case schema.Timestamp:
		return m.timestamp(v.Time.UTC())
	case schema.Duration:
		return m.duration(v.Duration)
	case schema.EnumType:
		return m.typeName(t, "") + "." + m.enumValue(t.Enum, v.Enum)
	default:
		return scalar(t.Kind, v)
	}
}

func (m *module) enumValue(e *schema.Enum, v *schema.EnumValue) string {
	names := m.names
	if e.File != m.file {
		names = namesOf(e.File)
	}
	for i, other := range e.Values {
		if other.Name == v.Name {
			return names.values[e][i]
		}
	}
	return v.Name
}

func (m *module) timestamp(t time.Time) string {
	return fmt.Sprintf("%s(%d, %d, %d, %d, %d, %d, %d, %s.utc)", m.use("datetime"), t.Year(), t.Month(), t.Day(),
		t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000, m.use("timezone"))
}

// duration returns whole microseconds, rounded down, as reading one does.
func (m *module) duration(d time.Duration) string {
	name := m.use("timedelta")
	switch micros := int64(math.Floor(float64(d) / 1000)); {
	case d == 0:
		return name + "()"
	case d%time.Second == 0:
		return fmt.Sprintf("%s(seconds=%d)", name, d/time.Second)
	case d%time.Millisecond == 0:
		return fmt.Sprintf("%s(milliseconds=%d)", name, d/time.Millisecond)
	default:
		return fmt.Sprintf("%s(microseconds=%d)", name, micros)
	}
}

// scalar returns a value that is written the same for users and for tables.
func scalar(k schema.Kind, v *schema.Value) string {
	switch k {
	case schema.Bool:
		if v.Bool {
			return "True"
		}
		return "False"
	case schema.Int, schema.Long:
		return strconv.FormatInt(v.Int, 10)
	case schema.Uint, schema.Ulong:
		return strconv.FormatUint(v.Uint, 10)
	case schema.Float:
		return float(v.Float, 32)
	case schema.Double:
		return float(v.Float, 64)
	case schema.Bytes:
		return "b" + quoteBytes(v.Bytes)
	default:
		return quote(v.String)
	}
}

func float(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return `float("nan")`
	case math.IsInf(v, 1):
		return `float("inf")`
	case math.IsInf(v, -1):
		return `float("-inf")`
	}
	text := strconv.FormatFloat(v, 'g', -1, bits)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// quote returns a string literal. Every escape that Go writes means the same in Python.
func quote(s string) string { return strconv.Quote(s) }

func quoteBytes(data []byte) string {
	var b strings.Builder
	for _, c := range data {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}
