package syntax

import "strings"

// short returns the text of an item that has no block, without its annotations.
func short(item Item) string {
	switch item := item.(type) {
	case *Package:
		return "package " + item.Name.Text
	case *Import:
		return "import " + item.Path.Text
	case *EnumValue:
		return item.Name.Text + " = " + item.Number.Text
	case *Reserved:
		return "reserved " + ranges(item.Ranges)
	case *Field:
		return fieldText(item, " ")
	}
	return ""
}

// tight returns the text of a parameter in a list on one line: "2:int num2=1".
func tight(f *Field) string { return fieldText(f, "") }

func fieldText(f *Field, space string) string {
	text := f.Number.Text + ":" + space
	if f.Stream {
		text += "stream "
	}
	text += f.Type.String() + " " + f.Name.Text
	if f.Default != nil {
		text += space + "=" + space + f.Default.Text
	}
	return text
}

func ranges(all []Range) string {
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = r.From.Text
		if r.To != nil {
			parts[i] += " to " + r.To.Text
		}
	}
	return strings.Join(parts, ", ")
}

func methodHead(m *Method) string {
	result := "void"
	if m.Result != nil {
		result = m.Result.String()
	}
	if m.Stream {
		result = "stream " + result
	}
	return result + " " + m.Name.Text
}

func exceptions(m *Method) string {
	if len(m.Exceptions) == 0 {
		return ""
	}
	names := make([]string, len(m.Exceptions))
	for i, n := range m.Exceptions {
		names[i] = n.Text
	}
	return " => " + strings.Join(names, ", ")
}

// annotations returns those of a node, each with a space behind it.
func annotations(n *Node) string {
	var b strings.Builder
	for _, a := range n.Annotations {
		b.WriteString("@" + a.Name.Text)
		if len(a.Args) > 0 {
			args := make([]string, len(a.Args))
			for i, v := range a.Args {
				args[i] = v.Text
			}
			b.WriteString("(" + strings.Join(args, ", ") + ")")
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// String returns the type as it is printed: "map<string, long>".
func (t *Type) String() string {
	text := t.Name.Text
	if len(t.Args) > 0 {
		args := make([]string, len(t.Args))
		for i, a := range t.Args {
			args[i] = a.String()
		}
		text += "<" + strings.Join(args, ", ") + ">"
	}
	if t.Optional {
		text += "?"
	}
	return text
}
