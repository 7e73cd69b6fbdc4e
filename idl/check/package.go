package check

import (
	"fmt"
	"go/token"
	"path"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// baseName returns the name of the file without its directory and extension.
func (f *file) baseName() string {
	base := path.Base(f.schema.Path)
	return strings.TrimSuffix(base, path.Ext(base))
}

// packageName returns the package that the text gives, else the file's name as one.
func (f *file) packageName() string {
	if p := f.tree.Package; p != nil {
		return p.Name.Text
	}
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return '_'
	}, f.baseName())
}

func (f *file) checkPackage() {
	p := f.tree.Package
	if p == nil {
		if !goodPackage(f.schema.Package) {
			f.report(start, fmt.Sprintf("the file's name gives no package: %q cannot be one", f.schema.Package),
				"write package and a name in the first line")
		}
		return
	}
	f.noAnnotations(&p.Node, "package")
	for part := range strings.SplitSeq(p.Name.Text, ".") {
		if !goodPackage(part) {
			f.report(p.Name.Pos, fmt.Sprintf("%q cannot be the name of a package", part),
				"write a word in lower case that begins with a letter and is no keyword of Go")
		}
	}
}

func goodPackage(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.ToLower(s) == s && !token.IsKeyword(s)
}

// A folder is a directory, which is one package of generated code.
type folder struct {
	first *file
	names map[string]generated
}

// A generated name is one that generated code declares.
type generated struct {
	name string
	what string // "the member circle of Area"
	by   *decl
	pos  syntax.Pos
}

func (f *file) folder() *folder {
	dir := path.Dir(f.schema.Path)
	if f.packages[dir] == nil {
		f.packages[dir] = &folder{first: f, names: map[string]generated{}}
	}
	return f.packages[dir]
}

// add reports what a file cannot share with the others of its directory.
func (d *folder) add(f *file) {
	if other := d.first; other.schema.Package != f.schema.Package {
		pos := start
		if f.tree.Package != nil {
			pos = f.tree.Package.Name.Pos
		}
		f.report(pos, fmt.Sprintf("package %s stands in one directory with package %s of %s",
			f.schema.Package, other.schema.Package, other.schema.Path),
			"write the same package in both, or move one of the files into another directory")
		return
	}
	for _, one := range f.decls {
		d.claim(generated{one.name.Text, "the " + one.what + " " + one.name.Text, one, one.name.Pos})
	}
	for _, one := range f.decls {
		for _, g := range one.derived() {
			d.claim(g)
		}
	}
}

// claim takes a name of generated code, or reports who has it already. Names that one declaration makes twice come
// from names within it that are alike, which is reported there.
func (d *folder) claim(g generated) {
	has, taken := d.names[g.name]
	if !taken {
		d.names[g.name] = g
		return
	}
	if has.by == g.by {
		return
	}
	remedy := "rename one of them"
	if has.by.file != g.by.file {
		has.what += " in " + has.by.file.schema.Path
		remedy = "rename one of them, or declare it in one file and import that from the other"
	}
	g.by.file.report(g.pos, fmt.Sprintf("%s and %s would both be %s in generated code", g.what, has.what, g.name),
		remedy)
}

// derived returns the names that generated code makes from those within the declaration.
func (d *decl) derived() []generated {
	var all []generated
	add := func(within, suffix, what string) {
		name := d.name.Text + schema.UpperCamel(within) + suffix
		all = append(all, generated{name, fmt.Sprintf("the %s %s of %s", what, within, d.name.Text), d, d.name.Pos})
	}
	switch {
	case d.enum != nil:
		for _, v := range d.enum.Values {
			add(v.Name, "", "value")
		}
	case d.union != nil:
		for _, m := range d.union.Members {
			add(m.Name, "", "member")
		}
	case d.service != nil:
		for _, m := range d.service.Methods {
			add(m.Name, "Request", "request of the method")
			add(m.Name, "Response", "response of the method")
		}
	}
	return all
}
