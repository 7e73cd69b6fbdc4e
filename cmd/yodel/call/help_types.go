package call

import (
	"io"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/idl/schema"
)

// A shownType is an enum, a struct, a union or an exception with fields.
type shownType struct {
	title string
	rows  [][]string
}

// showTypes shows the types that a method's parameters, result and exceptions are made of.
func showTypes(b *strings.Builder, m *schema.Method) {
	c := collector{seen: make(map[any]bool)}
	for _, p := range m.Params {
		c.add(p.Type)
	}
	if m.Result != nil {
		c.add(m.Result)
	}
	for _, x := range m.Exceptions {
		if !x.Implied {
			c.fields("exception "+x.Name, x.Fields)
		}
	}
	for _, t := range c.types {
		section(b, t.title, len(t.rows), func(table io.Writer) {
			for _, cells := range t.rows {
				row(table, cells...)
			}
		})
	}
}

// A collector finds the types that others lead to, each once.
type collector struct {
	seen  map[any]bool
	types []shownType
}

func (c *collector) add(t *schema.Type) {
	switch {
	case t == nil:
	case t.Kind == schema.EnumType && c.first(t.Enum):
		c.enum(t.Enum)
	case t.Kind == schema.StructType && c.first(t.Struct):
		c.fields("struct "+t.Struct.Name, t.Struct.Fields)
	case t.Kind == schema.UnionType && c.first(t.Union):
		c.fields("union "+t.Union.Name+", one of", t.Union.Members)
	default:
		c.add(t.Elem)
	}
}

func (c *collector) first(declared any) bool {
	seen := c.seen[declared]
	c.seen[declared] = true
	return !seen
}

func (c *collector) enum(e *schema.Enum) {
	t := shownType{title: "enum " + e.Name}
	for _, v := range e.Values {
		t.rows = append(t.rows, []string{"  " + v.Name, oneLine(v.Doc)})
	}
	c.types = append(c.types, t)
}

// fields adds a type, and then those of its fields.
func (c *collector) fields(title string, fields []*schema.Field) {
	t := shownType{title: title}
	union := strings.HasPrefix(title, "union ")
	for _, f := range slices.Clone(fields) {
		is := presence(f)
		if union || is == "optional" && !f.Type.Optional {
			is = ""
		}
		t.rows = append(t.rows, []string{"  " + f.Name, client.TypeName(f.Type), is, describe(f)})
	}
	c.types = append(c.types, t)
	for _, f := range fields {
		c.add(f.Type)
	}
}
