package check

import (
	"fmt"
	"path"
	"strings"

	"github.com/yodelrpc/yodel/idl/diag"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// A file is a definition while it is checked.
type file struct {
	*checker
	tree    *syntax.File
	schema  *schema.File
	imports []*importedFile
	names   map[string]*decl // what the file declares
	decls   []*decl          // the values of names, in the order of the text
	places  map[*schema.Field]syntax.Pos
	loading bool // its imports are being read
	broken  bool // something could not be read, so that an unknown name may be no mistake
}

// An importedFile is one import of a file.
type importedFile struct {
	*file
	at   *syntax.Import
	used bool
}

// open reads a file and all that it imports, unless that has been done. It returns nil if the file cannot be read.
// What is wrong is reported by at, which is nil for a path that was given rather than imported.
func (c *checker) open(name string, at func(message, remedy string)) *file {
	name = path.Clean(name)
	if f, ok := c.files[name]; ok {
		if f != nil && f.loading {
			at("the imports run in a circle: "+name+" imports this file in turn",
				"move what both need into a third file, and import that from both")
			return nil
		}
		return f
	}
	src, err := c.load(name)
	if err != nil {
		c.unreadable(name, err, at)
		return nil
	}
	f := c.parse(name, src)
	f.loading = true
	for _, i := range f.tree.Imports {
		f.importFile(i)
	}
	f.loading = false
	c.order = append(c.order, f)
	return f
}

func (c *checker) unreadable(name string, err error, at func(message, remedy string)) {
	c.files[name] = nil
	if at != nil {
		at(fmt.Sprintf("cannot read %s: %v", name, err),
			"write the path of a definition, relative to this file's directory")
		return
	}
	c.diags.Add(diag.Unreadable(name, err))
}

func (c *checker) parse(name string, src []byte) *file {
	tree, diags := syntax.Parse(name, src)
	for _, d := range diags {
		c.diags.Add(d)
	}
	f := &file{
		checker: c, tree: tree, schema: &schema.File{Path: name, Doc: tree.Doc()}, broken: len(diags) > 0,
		names: map[string]*decl{}, places: map[*schema.Field]syntax.Pos{},
	}
	c.files[name] = f
	f.schema.Package = f.packageName()
	return f
}

// importFile reads what one import asks for.
func (f *file) importFile(i *syntax.Import) {
	target, err := i.Path.Unquote()
	at := func(message, remedy string) { f.report(i.Path.Pos, message, remedy) }
	switch {
	case err != nil:
		return // reported by the parser
	case target == "" || path.IsAbs(target) || strings.Contains(target, "\\"):
		at(fmt.Sprintf("%q is not a relative path", target),
			"write the path of a definition, relative to this file's directory, with forward slashes")
		f.broken = true
		return
	}
	imported := f.open(path.Join(path.Dir(f.schema.Path), target), at)
	if imported == nil {
		f.broken = true
		return
	}
	for _, other := range f.imports {
		if other.file == imported {
			at(fmt.Sprintf("%q is imported twice", target), "leave the second import out")
			return
		}
	}
	f.noAnnotations(&i.Node, "an import")
	f.imports = append(f.imports, &importedFile{file: imported, at: i})
	f.schema.Imports = append(f.schema.Imports, imported.schema)
	f.broken = f.broken || imported.broken
}

// check does the work on one file, whose imports are checked already.
func (f *file) check() {
	f.checkPackage()
	f.declare()
	f.define()
	f.checkRecursion()
	f.checkUnused()
	f.folder().add(f)
}

func (f *file) checkUnused() {
	for _, i := range f.imports {
		if !i.used && !f.broken {
			f.warn(i.at.Path.Pos, "nothing of this import is used", "leave the import out")
		}
	}
}

// report adds an error at a place of the file.
func (f *file) report(pos syntax.Pos, message, remedy string) {
	f.diags.Add(f.tree.Source.At(pos, message, remedy))
}

func (f *file) warn(pos syntax.Pos, message, remedy string) {
	d := f.tree.Source.At(pos, message, remedy)
	d.Warning = true
	f.diags.Add(d)
}
