package check

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// mostExceptions is how many exceptions a method may declare: the basic protocol numbers them in a byte, from 2 to 254.
const mostExceptions = 253

// defineOwn makes the file's own service of the methods outside any service.
func (f *file) defineOwn() {
	var bare []syntax.Item
	for _, item := range f.tree.Decls {
		if m, ok := item.(*syntax.Method); ok {
			bare = append(bare, m)
		}
	}
	if len(bare) == 0 {
		return
	}
	s := &schema.Service{File: f.schema, Name: schema.UpperCamel(f.baseName()), Own: true}
	at := syntax.Name{Pos: bare[0].(*syntax.Method).Name.Pos, Text: s.Name}
	other, taken := f.names[s.Name]
	switch {
	case !goodType(s.Name):
		f.report(at.Pos, fmt.Sprintf("the file's name gives no name to a service of its own: %q", s.Name),
			"put the methods between the braces of a service, or rename the file")
	case taken:
		f.report(at.Pos, fmt.Sprintf("the file's own service would have the name of the %s %s", other.what, s.Name),
			"put the methods between the braces of a service, or rename the file")
	default:
		d := &decl{file: f, what: "service", name: at, service: s}
		f.names[s.Name] = d
		f.decls = append(f.decls, d)
	}
	f.schema.Services = append(f.schema.Services, s)
	s.Methods = f.methods(s, bare)
}

func goodType(name string) bool {
	return name != "" && name[0] >= 'A' && name[0] <= 'Z' && fold(name) != ""
}

// methods reads the methods of a service.
func (f *file) methods(s *schema.Service, items []syntax.Item) []*schema.Method {
	in := &scope{file: f, what: "method", owner: "the service " + s.Name}
	var methods []*schema.Method
	for _, item := range items {
		tree := item.(*syntax.Method)
		in.claimName(tree.Name)
		methods = append(methods, f.method(s, tree))
	}
	return methods
}

func (f *file) method(s *schema.Service, tree *syntax.Method) *schema.Method {
	m := &schema.Method{Service: s, Name: tree.Name.Text, Doc: tree.Doc(), StreamResult: tree.Stream}
	f.methodAnnotations(tree, m)
	if tree.Result != nil {
		m.Result = f.typ(tree.Result)
	}
	if tree.Stream && m.Result != nil && m.Result.Optional {
		f.report(tree.Result.Name.Pos, "the elements of a stream are not optional",
			"leave the ? out, or stream a struct")
	}
	in := &scope{file: f, what: "parameter", owner: "the method " + m.Name}
	m.Params, _ = in.fields(tree.Params.Items)
	f.streamParam(tree, m)
	f.exceptions(tree, m)
	return m
}

// streamParam finds the parameter that is a stream, which is the last one and the only one of its kind.
func (f *file) streamParam(tree *syntax.Method, m *schema.Method) {
	for i, item := range tree.Params.Items {
		p := item.(*syntax.Field)
		if !p.Stream {
			continue
		}
		if m.StreamParam != nil {
			f.report(p.Name.Pos, "the method "+m.Name+" has a second parameter that is a stream",
				"stream a struct or a union that holds both")
		} else if i < len(tree.Params.Items)-1 {
			f.report(p.Name.Pos, "a parameter that is a stream stands last", "write "+p.Name.Text+" behind the others")
		}
		m.StreamParam = m.Params[i]
	}
	if m.StreamParam == nil {
		inOrder(m.Params)
	} else {
		inOrder(m.Params[:len(m.Params)-1]) // the stream stays last
	}
}

func (f *file) exceptions(tree *syntax.Method, m *schema.Method) {
	named := map[*schema.Exception]bool{}
	for _, n := range tree.Exceptions {
		e := f.exception(n)
		if e == nil {
			continue
		}
		if named[e] {
			f.report(n.Pos, fmt.Sprintf("%s names the exception %s twice", m.Name, n.Text), "leave the second one out")
		}
		named[e] = true
		m.Exceptions = append(m.Exceptions, e)
	}
	if len(tree.Exceptions) > mostExceptions {
		f.report(tree.Name.Pos, fmt.Sprintf("%s names %d exceptions, which is more than %d",
			m.Name, len(tree.Exceptions), mostExceptions),
			"join some of them into one with a field that tells them apart")
	}
}

// exception finds the exception that a method names. One that nobody declares is declared by that.
func (f *file) exception(n syntax.Name) *schema.Exception {
	missing := false
	d := f.find(n, func(syntax.Name) { missing = true })
	switch {
	case missing:
		return f.imply(n)
	case d == nil:
		return nil
	case d.exception == nil:
		f.report(n.Pos, fmt.Sprintf("%s is %s, not an exception", n.Text, article(d.what)),
			"write the name of an exception")
	}
	return d.exception
}

// imply declares an exception by its mention, unless it looks like a slip of the pen.
func (f *file) imply(n syntax.Name) *schema.Exception {
	isException := func(d *decl) bool { return d.exception != nil && !d.exception.Implied }
	declare := fmt.Sprintf("declare it, as in: exception %s { 1: string message }", typeName(lastPart(n.Text)))
	switch near := f.suggest(n.Text, nil, isException); {
	case f.broken && near != "":
		return nil
	case near != "":
		f.report(n.Pos, fmt.Sprintf("the exception %s is not declared, but one with nearly the same name is", n.Text),
			"did you mean "+near+"? If not, "+declare)
		return nil
	case strings.Contains(n.Text, "."):
		if !f.broken {
			f.report(n.Pos, fmt.Sprintf("unknown exception %s", n.Text),
				"import the file that declares it, or "+declare)
		}
		return nil
	}
	words := strings.Join(schema.Words(n.Text), " ")
	e := &schema.Exception{File: f.schema, Name: n.Text, Code: schema.DefaultCode, Implied: true}
	e.Fields = []*schema.Field{{
		Number: 1, Name: "message", Type: &schema.Type{Kind: schema.String}, Default: &schema.Value{String: words},
	}}
	f.warnNearImplied(n)
	f.schema.Exceptions = append(f.schema.Exceptions, e)
	f.enter(&decl{what: "exception", name: n, exception: e})
	return e
}

// warnNearImplied speaks of an exception whose name nearly is that of another one which nobody declares either. Names
// that differ in digits alone are numbered on purpose.
func (f *file) warnNearImplied(n syntax.Name) {
	implied := func(d *decl) bool { return d.exception != nil && d.exception.Implied }
	if near := f.suggest(n.Text, nil, implied); near != "" && unicode.IsUpper(rune(n.Text[0])) &&
		dropDigits(near) != dropDigits(n.Text) {
		f.warn(n.Pos, fmt.Sprintf("another exception has nearly the name %s", n.Text),
			"did you mean "+near+"? If not, declare both")
	}
}

func dropDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, s)
}
