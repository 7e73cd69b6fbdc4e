package check

import (
	"fmt"
	"go/token"
	"path"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/idl/schema"
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
	file *file
	what string // "the struct Point"
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
			"write package "+other.schema.Package+", or move the file into a directory of its own")
		return
	}
	for _, one := range f.decls {
		d.claim(one, one.name.Text, "the "+one.what+" "+one.name.Text)
	}
	for _, one := range f.decls {
		one.derived(func(name, what string) { d.claim(one, name, what) })
	}
}

// claim takes a name of generated code, or reports who has it already.
func (d *folder) claim(by *decl, name, what string) {
	if has, taken := d.names[name]; taken {
		message := fmt.Sprintf("generated code would name both %s and %s %s", has.what, what, name)
		remedy := "rename one of them"
		if has.file != by.file {
			message += fmt.Sprintf(", the former from %s", has.file.schema.Path)
			remedy = "rename one of them, or declare it in one file and import that from the other"
		}
		by.file.report(by.name.Pos, message, remedy)
		return
	}
	d.names[name] = generated{by.file, what}
}

// derived calls yield with each name that generated code makes from names within the declaration.
func (d *decl) derived(yield func(name, what string)) {
	switch {
	case d.enum != nil:
		for _, v := range d.enum.Values {
			yield(d.enum.Name+schema.UpperCamel(v.Name), fmt.Sprintf("the value %s of %s", v.Name, d.enum.Name))
		}
	case d.union != nil:
		for _, m := range d.union.Members {
			yield(d.union.Name+schema.UpperCamel(m.Name), fmt.Sprintf("the member %s of %s", m.Name, d.union.Name))
		}
	case d.service != nil:
		for _, m := range d.service.Methods {
			name := d.service.Name + schema.UpperCamel(m.Name)
			yield(name+"Request", fmt.Sprintf("the request of %s.%s", d.service.Name, m.Name))
			yield(name+"Response", fmt.Sprintf("the response of %s.%s", d.service.Name, m.Name))
		}
	}
}
