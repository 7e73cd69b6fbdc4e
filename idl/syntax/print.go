package syntax

import (
	"bytes"
	"strings"
)

// Print returns the text of a tree in the one style: two spaces of indent, one field a line unless the block was
// written on one line, comments and single blank lines kept.
func Print(f *File) []byte {
	p := &printer{}
	if f.Package != nil {
		p.item(f.Package)
	}
	for _, i := range f.Imports {
		p.item(i)
	}
	for _, d := range f.Decls {
		p.item(d)
	}
	p.comments(f.Tail)
	return p.out.Bytes()
}

// A printer writes lines. Within a line, the methods that return strings build its parts.
type printer struct {
	out    bytes.Buffer
	indent int
	begun  bool // the block has a line already, so that a blank one may follow
}

// line writes a line, with a comment at its end unless that is empty.
func (p *printer) line(text, after string) {
	for range p.indent {
		p.out.WriteString("  ")
	}
	p.out.WriteString(text)
	if after != "" {
		p.out.WriteString(" //" + after)
	}
	p.out.WriteByte('\n')
	p.begun = true
}

func (p *printer) gap(gap bool) {
	if gap && p.begun {
		p.out.WriteByte('\n')
	}
}

func (p *printer) comments(all []Comment) {
	for _, c := range all {
		p.gap(c.Gap)
		p.line("//"+c.Text, "")
	}
}

func (p *printer) item(item Item) {
	n := item.Base()
	p.comments(n.Before)
	p.gap(n.Gap)
	switch item := item.(type) {
	case *Enum:
		p.annotationLine(n)
		p.block("enum "+item.Name.Text+" ", braces, &item.Body, "", n.After)
	case *Message:
		p.annotationLine(n)
		p.block(item.Keyword+" "+item.Name.Text+" ", braces, &item.Body, "", n.After)
	case *Service:
		p.annotationLine(n)
		body := item.Body
		body.OneLine = len(body.Items) == 0
		p.block("service "+item.Name.Text+" ", braces, &body, "", n.After)
	case *Method:
		p.annotationLine(n)
		p.block(methodHead(item), parens, &item.Params, exceptions(item), n.After)
	default:
		p.line(annotations(n)+short(item), n.After)
	}
}

func (p *printer) annotationLine(n *Node) {
	if len(n.Annotations) > 0 {
		p.line(strings.TrimSuffix(annotations(n), " "), "")
	}
}

// A style is how the blocks of one kind look.
type style struct {
	open, close   string
	space         string // inside the braces of a block on one line
	parameterList bool   // on one line, a field is written tightly
}

var (
	braces = style{open: "{", close: "}", space: " "}
	parens = style{open: "(", close: ")", parameterList: true}
)

func (p *printer) block(head string, s style, b *Block, tail, after string) {
	if b.OneLine && b.Open == "" && len(b.Tail) == 0 && !anyComment(b.Items) {
		p.line(head+oneLine(s, b.Items)+tail, after)
		return
	}
	p.line(head+s.open, b.Open)
	p.indent++
	p.begun = false
	for _, item := range b.Items {
		p.item(item)
	}
	p.comments(b.Tail)
	p.indent--
	p.line(s.close+tail, after)
}

func anyComment(items []Item) bool {
	for _, item := range items {
		if n := item.Base(); len(n.Before) > 0 || n.After != "" {
			return true
		}
	}
	return false
}

func oneLine(s style, items []Item) string {
	if len(items) == 0 {
		return s.open + s.close
	}
	parts := make([]string, len(items))
	for i, item := range items {
		field, ok := item.(*Field)
		if ok && s.parameterList {
			parts[i] = annotations(&field.Node) + tight(field)
		} else {
			parts[i] = annotations(item.Base()) + short(item)
		}
	}
	return s.open + s.space + strings.Join(parts, ", ") + s.space + s.close
}
