package python

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// names are the Python names of what a file declares. Two modules that refer to the same declaration compute the same.
type names struct {
	file    *schema.File
	taken   map[string]bool               // at the top of the module
	imports map[*schema.File]string       // how the module calls another
	types   map[any]string                // *schema.Enum, Struct, Union, Exception; and *schema.Field for a member
	client  map[*schema.Service]stubNames //
	fields  map[*schema.Field]string      // of a struct, exception or method
	methods map[*schema.Method]string     //
	values  map[*schema.Enum][]string     // in the order of Values
}

// stubNames are the classes for a service.
type stubNames struct{ client, handler, service string }

func namesOf(file *schema.File) *names {
	n := &names{
		file: file, taken: union(keywords, builtinNames, set(publicNames...), set(importedModules...), runtimeNames),
		imports: make(map[*schema.File]string), types: make(map[any]string),
		client: make(map[*schema.Service]stubNames), fields: make(map[*schema.Field]string),
		methods: make(map[*schema.Method]string), values: make(map[*schema.Enum][]string),
	}
	for _, from := range importedNames {
		n.taken = union(n.taken, set(from.names...))
	}
	for _, s := range file.Services {
		n.client[s] = n.stub(s)
	}
	n.declarations()
	for _, f := range file.Imports {
		n.imports[f] = free(n.taken, moduleName(f.Path))
	}
	n.insides()
	return n
}

// stub names the classes for a service, which have the first choice: a program must be able to count on them.
func (n *names) stub(s *schema.Service) stubNames {
	prefix := s.Name
	if s.Own {
		prefix = ""
	}
	return stubNames{
		client:  free(n.taken, prefix+"Client"),
		handler: free(n.taken, prefix+"Handler"),
		service: free(n.taken, prefix+"Service"),
	}
}

func (n *names) declarations() {
	for _, e := range n.file.Enums {
		n.types[e] = free(n.taken, e.Name)
	}
	for _, e := range n.file.Exceptions {
		n.types[e] = free(n.taken, e.Name)
	}
	for _, s := range n.file.Structs {
		n.types[s] = free(n.taken, s.Name)
	}
	for _, u := range n.file.Unions {
		n.types[u] = free(n.taken, u.Name)
	}
	for _, u := range n.file.Unions {
		for _, f := range u.Members {
			n.types[f] = free(n.taken, u.Name+camel(f.Name))
		}
	}
}

// insides names what stands within classes.
func (n *names) insides() {
	inside := union(keywords, classNames, set("self"))
	for _, name := range n.types {
		inside[name] = true
	}
	for _, name := range n.imports {
		inside[name] = true
	}
	for _, e := range n.file.Enums {
		taken := union(keywords, enumNames)
		for _, v := range e.Values {
			n.values[e] = append(n.values[e], free(taken, v.Name))
		}
	}
	for _, s := range n.file.Structs {
		n.nameFields(s.Fields, union(inside, factoryNames))
	}
	for _, e := range n.file.Exceptions {
		n.nameFields(e.Fields, union(inside, factoryNames, exceptionNames))
	}
	for _, s := range n.file.Services {
		taken := union(inside)
		for _, m := range s.Methods {
			n.methods[m] = free(taken, m.Name)
			n.nameFields(m.Params, union(keywords, set("self")))
		}
	}
}

func (n *names) nameFields(fields []*schema.Field, taken map[string]bool) {
	taken = union(taken)
	for _, f := range fields {
		n.fields[f] = free(taken, f.Name)
	}
}

// free returns name, with as many underscores behind it as make it free, and takes it.
func free(taken map[string]bool, name string) string {
	for taken[name] {
		name += "_"
	}
	taken[name] = true
	return name
}

// camel returns half_even as HalfEven.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// words returns InvalidOperation as "invalid operation" and HTTPError as "http error".
func words(name string) string {
	return strings.ToLower(wordStart.ReplaceAllString(name, "$1$3 $2$4"))
}

var wordStart = regexp.MustCompile(`([^A-Z])([A-Z])|([A-Z])([A-Z][a-z])`)

// of returns the names of another file's module, as the module for n's file writes them.
func (n *names) of(declaration any, file *schema.File, prefix string) string {
	if file == n.file {
		return prefix + n.types[declaration]
	}
	return n.imports[file] + "." + prefix + namesOf(file).types[declaration]
}

// An importOf is how a module imports another: from the package it is in, or, where it is in none or that one does not
// reach far enough up, from the path.
type importOf struct {
	condition         string // of the former
	inPackage, onPath string
}

func (n *names) importOf(file *schema.File) importOf {
	name, alias := moduleName(file.Path), ""
	if n.imports[file] != name {
		alias = " as " + n.imports[file]
	}
	up, down := relative(path.Dir(n.file.Path), path.Dir(file.Path))
	i := importOf{
		condition: "__package__",
		inPackage: "from " + strings.Repeat(".", up+1) + strings.Join(down, ".") + " import " + name + alias,
		onPath:    "import " + name + alias,
	}
	if len(down) > 0 {
		i.onPath = "from " + strings.Join(down, ".") + " import " + name + alias
	}
	if up > 0 {
		i.condition = fmt.Sprintf(`(__package__ or "").count(".") >= %d`, up)
	}
	return i
}

// checkImports reports an import that Python has no words for.
func checkImports(file *schema.File) error {
	for _, f := range file.Imports {
		_, down := relative(path.Dir(file.Path), path.Dir(f.Path))
		for _, folder := range down {
			if !identifier.MatchString(folder) || keywords[folder] {
				return fmt.Errorf(
					"%s: Python cannot import %s, for the folder %q cannot be the name of a package; rename it",
					file.Path, f.Path, folder)
			}
		}
	}
	return nil
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// relative returns the way from one folder to another: how many folders up, then the folders down.
func relative(from, to string) (up int, down []string) {
	a, b := folders(from), folders(to)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	return len(a), b
}

// folders returns the names of the folders on the way to one.
func folders(dir string) []string {
	if dir = path.Clean(dir); dir == "." {
		return nil
	}
	return strings.FieldsFunc(dir, func(r rune) bool { return r == '/' })
}
