package golang

import (
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// names are the names that a file's Go package-level declarations get. Those that a user writes often get theirs
// first; what comes late and finds its name taken gets a longer one, at last one with an underscore at its end. The
// names depend on nothing but the file and its imports, so that files that import it find the same ones.
type names struct {
	taken    map[string]bool
	packages map[string]string // the names of imported packages, by directory
	create   map[any]string    // of structs and exceptions
	codec    map[*schema.Union]codecNames
	service  map[*schema.Service]serviceNames
	method   map[*schema.Method]methodNames
	option   map[*schema.Field]string
}

type codecNames struct{ encode, decode string }

type serviceNames struct{ handler, newService, client, newClient string }

type methodNames struct{ args, result, variable, option string }

func nameFile(f *schema.File) *names {
	n := &names{
		taken:    map[string]bool{},
		packages: map[string]string{},
		create:   map[any]string{},
		codec:    map[*schema.Union]codecNames{},
		service:  map[*schema.Service]serviceNames{},
		method:   map[*schema.Method]methodNames{},
		option:   map[*schema.Field]string{},
	}
	n.imports(f, f, map[*schema.File]bool{})
	n.types(f)
	for _, s := range f.Services {
		n.services(s)
	}
	for _, s := range f.Structs {
		n.create[s] = n.claim("New" + s.Name)
	}
	for _, x := range f.Exceptions {
		n.create[x] = n.claim("New" + x.Name)
	}
	for _, u := range f.Unions {
		n.codec[u] = codecNames{n.claim("Encode" + u.Name), n.claim("Decode" + u.Name)}
	}
	for _, s := range f.Services {
		for _, m := range s.Methods {
			n.methods(m)
		}
	}
	return n
}

// imports names the packages that files reached from g by imports belong to, and takes the names of those in f's own
// directory.
func (n *names) imports(f, g *schema.File, seen map[*schema.File]bool) {
	for _, imported := range g.Imports {
		if seen[imported] {
			continue
		}
		seen[imported] = true
		n.imports(f, imported, seen)
		dir := path.Dir(imported.Path)
		if dir == path.Dir(f.Path) {
			for name := range nameFile(imported).taken {
				n.taken[name] = true
			}
		} else if n.packages[dir] == "" {
			n.packages[dir] = n.packageName(Package(imported))
		}
	}
}

// packageName returns a name for an imported package that nothing else in the file has.
func (n *names) packageName(name string) string {
	for reserved(name) || n.hasPackage(name) {
		name += "def"
	}
	return name
}

func (n *names) hasPackage(name string) bool {
	for _, other := range n.packages {
		if other == name {
			return true
		}
	}
	return false
}

// types takes the names of types, and those that the compiler promises to be free beside them.
func (n *names) types(f *schema.File) {
	for _, x := range f.Exceptions {
		n.claim(x.Name)
	}
	for _, s := range f.Structs {
		n.claim(s.Name)
	}
	for _, e := range f.Enums {
		n.claim(e.Name)
		for _, v := range e.Values {
			n.claim(valueName(e, v.Name))
		}
	}
	for _, u := range f.Unions {
		n.claim(u.Name)
		for _, m := range u.Members {
			n.claim(memberName(u, m))
		}
	}
}

func valueName(e *schema.Enum, value string) string { return e.Name + schema.UpperCamel(value) }

func memberName(u *schema.Union, m *schema.Field) string { return u.Name + schema.UpperCamel(m.Name) }

func (n *names) services(s *schema.Service) {
	if s.Own {
		n.service[s] = serviceNames{
			handler:    n.claim("Handler", s.Name+"Handler"),
			newService: n.claim("NewService", "New"+s.Name+"Service"),
			client:     n.claim("Client", s.Name+"Client"),
			newClient:  n.claim("NewClient", "New"+s.Name+"Client"),
		}
		return
	}
	n.service[s] = serviceNames{
		handler:    n.claim(s.Name + "Handler"),
		newService: n.claim("New" + s.Name + "Service"),
		client:     n.claim(s.Name + "Client"),
		newClient:  n.claim("New" + s.Name + "Client"),
	}
}

func (n *names) methods(m *schema.Method) {
	name := schema.UpperCamel(m.Name)
	long := m.Service.Name + name
	n.method[m] = methodNames{
		args:     n.claim(lowerFirst(name)+"Args", lowerFirst(long)+"Args"),
		result:   n.claim(lowerFirst(name)+"Result", lowerFirst(long)+"Result"),
		variable: n.claim(lowerFirst(name)+"Method", lowerFirst(long)+"Method"),
	}
	if !hasOptions(m) {
		return
	}
	names := n.method[m]
	names.option = n.claim(name+"Option", long+"Option")
	n.method[m] = names
	for _, p := range m.Params {
		if isOption(p) {
			option := schema.UpperCamel(p.Name)
			n.option[p] = n.claim(option, name+option, long+option)
		}
	}
}

// claim takes the first of the names that is free, or the last one with underscores.
func (n *names) claim(candidates ...string) string {
	name := candidates[len(candidates)-1]
	if i := slices.IndexFunc(candidates, func(c string) bool { return !n.taken[c] }); i >= 0 {
		name = candidates[i]
	}
	for n.taken[name] {
		name += "_"
	}
	n.taken[name] = true
	return name
}

// fields returns the Go names of the fields of a message with the given methods.
func fields(list []*schema.Field, methods ...string) []string {
	var out []string
	for _, f := range list {
		name := schema.UpperCamel(f.Name)
		for slices.Contains(methods, name) || slices.Contains(out, name) {
			name += "_"
		}
		out = append(out, name)
	}
	return out
}

// param returns the Go name of a parameter: not a word of Go's, nor a name that the bodies of generated functions
// use.
func (n *names) param(name string) string {
	name = lowerFirst(schema.UpperCamel(name))
	for reserved(name) || n.taken[name] || n.hasPackage(name) || slices.Contains(locals, name) {
		name += "_"
	}
	return name
}

// locals are the names that generated methods with parameters of the definition declare.
var locals = []string{
	"all", "args", "c", "call", "ctx", "element", "err", "h", "in", "opt", "opts", "out", "v", "yield",
}

// reserved reports whether generated code cannot use name for something of its own.
func reserved(name string) bool {
	return token.IsKeyword(name) || types.Universe.Lookup(name) != nil || isStandard(name) ||
		name == "rpc" || name == "wire"
}

func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }
