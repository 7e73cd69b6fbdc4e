package check

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// start is the place of what concerns a file as a whole.
var start = syntax.Pos{Line: 1, Column: 1}

// A decl is one declaration: its tree, and the one of the schema's kinds that it becomes.
type decl struct {
	file      *file
	what      string // "enum", "struct", "union", "exception" or "service"
	name      syntax.Name
	tree      syntax.Item
	enum      *schema.Enum
	structure *schema.Struct
	union     *schema.Union
	exception *schema.Exception
	service   *schema.Service
}

// declare enters each declaration of the file, still empty, so that all of them can refer to each other.
func (f *file) declare() {
	for _, item := range f.tree.Decls {
		switch item := item.(type) {
		case *syntax.Enum:
			e := &schema.Enum{File: f.schema, Name: item.Name.Text, Doc: item.Doc()}
			f.schema.Enums = append(f.schema.Enums, e)
			f.enter(&decl{what: "enum", name: item.Name, tree: item, enum: e})
		case *syntax.Message:
			f.declareMessage(item)
		case *syntax.Service:
			s := &schema.Service{File: f.schema, Name: item.Name.Text, Doc: item.Doc()}
			f.schema.Services = append(f.schema.Services, s)
			f.enter(&decl{what: "service", name: item.Name, tree: item, service: s})
		}
	}
}

func (f *file) declareMessage(m *syntax.Message) {
	d := &decl{what: m.Keyword, name: m.Name, tree: m}
	name, doc := m.Name.Text, m.Doc()
	switch m.Keyword {
	case "struct":
		d.structure = &schema.Struct{File: f.schema, Name: name, Doc: doc}
		f.schema.Structs = append(f.schema.Structs, d.structure)
	case "union":
		d.union = &schema.Union{File: f.schema, Name: name, Doc: doc}
		f.schema.Unions = append(f.schema.Unions, d.union)
	case "exception":
		d.exception = &schema.Exception{File: f.schema, Name: name, Doc: doc, Code: schema.DefaultCode}
		f.schema.Exceptions = append(f.schema.Exceptions, d.exception)
	}
	f.enter(d)
}

// enter gives a declaration its name, unless another one of the file has it.
func (f *file) enter(d *decl) {
	d.file = f
	f.checkTypeName(d)
	if other, taken := f.names[d.name.Text]; taken {
		f.report(d.name.Pos, fmt.Sprintf("%s is declared already, as %s in line %d",
			d.name.Text, article(other.what), other.name.Pos.Line), "rename one of them")
		return
	}
	f.names[d.name.Text] = d
	f.decls = append(f.decls, d)
}

// article puts "a" or "an" before what a declaration is.
func article(what string) string {
	if what == "enum" || what == "exception" {
		return "an " + what
	}
	return "a " + what
}

// checkTypeName wants a capital at the start, since a name without one is private in generated Go.
func (f *file) checkTypeName(d *decl) {
	if name := d.name.Text; name != "" && !unicode.IsUpper(rune(name[0])) {
		f.report(d.name.Pos, fmt.Sprintf("the name of the %s %s does not begin with a capital letter", d.what, name),
			"write "+typeName(name))
	}
}

// typeName returns a name with a capital at its start.
func typeName(name string) string {
	name = strings.TrimLeft(name, "_0123456789")
	if name == "" {
		return "a name such as Point"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// define fills in what the declarations hold: enums first, since defaults refer to their values.
func (f *file) define() {
	declared := f.decls // exceptions that methods imply are complete
	for _, d := range declared {
		if d.enum != nil {
			d.define()
		}
	}
	for _, d := range declared {
		if d.enum == nil {
			d.define()
		}
	}
	f.defineOwn()
}

// define fills in what the declaration holds.
func (d *decl) define() {
	f := d.file
	switch tree := d.tree.(type) {
	case *syntax.Enum:
		f.defineEnum(tree, d.enum)
	case *syntax.Service:
		f.noAnnotations(&tree.Node, "a service")
		d.service.Methods = f.methods(d.service, tree.Body.Items)
	case *syntax.Message:
		d.defineMessage(tree)
	}
}

func (d *decl) defineMessage(tree *syntax.Message) {
	f := d.file
	in := &scope{file: f, what: "field", owner: "the " + d.what + " " + d.name.Text}
	switch {
	case d.structure != nil:
		f.noAnnotations(&tree.Node, "a struct")
		d.structure.Fields, d.structure.Reserved = in.fields(tree.Body.Items)
		inOrder(d.structure.Fields)
	case d.union != nil:
		f.noAnnotations(&tree.Node, "a union")
		in.what, in.union = "member", true
		d.union.Members, d.union.Reserved = in.fields(tree.Body.Items)
		inOrder(d.union.Members)
		if len(d.union.Members) == 0 && !f.broken {
			f.report(d.name.Pos, "the union "+d.name.Text+" has no member",
				"write at least one, as in: 1: Circle circle")
		}
	case d.exception != nil:
		f.exceptionAnnotations(tree, d.exception)
		in.exception = true
		d.exception.Fields, d.exception.Reserved = in.fields(tree.Body.Items)
		inOrder(d.exception.Fields)
	}
}
