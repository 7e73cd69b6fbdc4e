package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// A marking is one annotation of the language.
type marking struct {
	name   string
	where  string           // it stands before
	value  syntax.ValueKind // of its one argument; 0 for none, constraintArgs where constrain reads them
	remedy string           // how to write it
}

// constraintArgs stands for arguments that depend on the type of the field.
const constraintArgs syntax.ValueKind = -1

var markings = []marking{
	{"idempotent", "a method", 0, "write @idempotent"},
	{"timeout", "a method", syntax.Duration, "write a duration above zero, as in: @timeout(2s)"},
	{"deprecated", "a method, a field, a parameter or an enum's value", syntax.String,
		`write what to use instead, as in: @deprecated("use divide")`},
	{"code", "an exception", syntax.Word, "write @code(invalid_argument), or another one of " +
		strings.Join(schema.Codes[:], ", ")},
	{"sensitive", "a field or a parameter", 0, "write @sensitive"},
	{"min", "a field or a parameter", constraintArgs, "write the least value, as in: @min(1)"},
	{"max", "a field or a parameter", constraintArgs, "write the greatest value, as in: @max(100)"},
	{"len", "a field or a parameter", constraintArgs,
		"write how many characters, as in: @len(8), @len(1, 64), @len(1, max)"},
	{"items", "a field or a parameter", constraintArgs,
		"write how many elements, as in: @items(3), @items(1, 10), @items(1, max)"},
	{"pattern", "a field or a parameter", constraintArgs, `write a regular expression, as in: @pattern("^[a-z]+$")`},
}

// An annotated collects the annotations of an item. Each that the item takes has an entry in takes, called with the
// argument, that reports whether the argument is good.
type annotated struct {
	file  *file
	what  string // "a struct"
	takes map[string]func(v *syntax.Value) bool
}

func (f *file) noAnnotations(n *syntax.Node, what string) {
	annotated{file: f, what: what}.read(n)
}

func (a annotated) read(n *syntax.Node) {
	seen := map[string]bool{}
	for _, one := range n.Annotations {
		name := one.Name.Text
		i := slices.IndexFunc(markings, func(m marking) bool { return m.name == name })
		switch {
		case i < 0:
			a.unknown(one)
		case a.takes[name] == nil:
			a.file.report(one.Name.Pos, fmt.Sprintf("@%s cannot stand before %s", name, a.what),
				"write it before "+markings[i].where)
		case seen[name]:
			a.file.report(one.Name.Pos, fmt.Sprintf("@%s stands there twice", name), "leave one of them out")
		default:
			a.apply(one, markings[i])
		}
		seen[name] = true
	}
}

func (a annotated) unknown(one *syntax.Annotation) {
	best := a.file.nearest(one.Name.Text)
	names := make([]string, len(markings))
	for i, m := range markings {
		names[i] = "@" + m.name
		best.try(m.name, "@"+m.name)
	}
	remedy := "write one of " + strings.Join(names, ", ")
	if best.found != "" {
		remedy = "did you mean " + best.found + "?"
	}
	a.file.report(one.Name.Pos, fmt.Sprintf("unknown annotation @%s", one.Name.Text), remedy)
}

func (a annotated) apply(one *syntax.Annotation, m marking) {
	var value *syntax.Value
	good := len(one.Args) == 0
	switch m.value {
	case 0:
	case constraintArgs:
		good = true
	default:
		good = len(one.Args) == 1 && one.Args[0].Kind == m.value
		if good {
			value = one.Args[0]
		}
	}
	if good && a.takes[m.name](value) {
		return
	}
	pos, message := one.Name.Pos, fmt.Sprintf("@%s takes one value", m.name)
	if m.value == 0 {
		message = fmt.Sprintf("@%s takes no value", m.name)
	} else if len(one.Args) == 1 {
		pos, message = one.Args[0].Pos, fmt.Sprintf("%s is no value of @%s", one.Args[0].Text, m.name)
	}
	a.file.report(pos, message, m.remedy)
}

// flag and text take an annotation without and with a string.
func flag(to *bool) func(*syntax.Value) bool {
	return func(*syntax.Value) bool {
		*to = true
		return true
	}
}

func text(to *string) func(*syntax.Value) bool {
	return func(v *syntax.Value) bool {
		s, err := v.Unquote()
		*to = s
		return err == nil && s != ""
	}
}

func (f *file) deprecatedOnly(n *syntax.Node, what string) (reason string) {
	annotated{f, what, map[string]func(*syntax.Value) bool{"deprecated": text(&reason)}}.read(n)
	return reason
}

func (s *scope) fieldAnnotations(tree *syntax.Field, f *schema.Field) {
	takes := map[string]func(*syntax.Value) bool{
		"deprecated": text(&f.Deprecated), "sensitive": flag(&f.Sensitive),
	}
	for _, m := range markings {
		if m.value == constraintArgs { // which constrain reads, when the type is known
			takes[m.name] = func(*syntax.Value) bool { return true }
		}
	}
	annotated{s.file, "a " + s.what, takes}.read(&tree.Node)
}

func (f *file) methodAnnotations(tree *syntax.Method, m *schema.Method) {
	annotated{f, "a method", map[string]func(*syntax.Value) bool{
		"idempotent": flag(&m.Idempotent),
		"deprecated": text(&m.Deprecated),
		"timeout": func(v *syntax.Value) bool {
			d, err := time.ParseDuration(v.Text)
			m.Timeout = d
			return err == nil && d > 0
		},
	}}.read(&tree.Node)
}

func (f *file) exceptionAnnotations(tree *syntax.Message, e *schema.Exception) {
	annotated{f, "an exception", map[string]func(*syntax.Value) bool{
		"code": func(v *syntax.Value) bool {
			e.Code = v.Text
			return slices.Contains(schema.Codes[:], v.Text)
		},
	}}.read(&tree.Node)
}
