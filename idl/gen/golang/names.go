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
//
// The files of a directory are one Go package. One that is named as the package has short names there: Client, Num2,
// divideArgs. In every other file those that come from methods and parameters begin with the name of the service, which
// no other file has: UsersClient, UsersGetLimit, usersGetArgs.
type names struct {
	short    bool              // for the file that is named as its package
	taken    map[string]bool   // those of imported files of the same directory included
	declares map[string]string // what each name is, for messages: "the option limit of get"
	packages map[string]string // the names of imported packages, by directory
	create   map[any]string    // of structs and exceptions
	codec    map[*schema.Union]codecNames
	service  map[*schema.Service]serviceNames
	method   map[*schema.Method]methodNames
	option   map[*schema.Field]string
	pattern  map[string]string        // of the variables with a regular expression, by its text
	check    map[*schema.Union]string // of the functions that check the constraints of a union
}

type codecNames struct{ encode, decode string }

type serviceNames struct{ handler, newService, caller, client, newClient string }

type methodNames struct{ args, result, variable, option string }

func nameFile(f *schema.File) *names {
	n := &names{
		short:    isMain(f),
		taken:    map[string]bool{},
		declares: map[string]string{},
		packages: map[string]string{},
		create:   map[any]string{},
		codec:    map[*schema.Union]codecNames{},
		service:  map[*schema.Service]serviceNames{},
		method:   map[*schema.Method]methodNames{},
		option:   map[*schema.Field]string{},
		pattern:  map[string]string{},
		check:    map[*schema.Union]string{},
	}
	n.imports(f, f, map[*schema.File]bool{})
	n.types(f)
	for _, s := range f.Services {
		n.services(s)
	}
	for _, s := range f.Structs {
		n.create[s] = n.claim("the constructor of the struct "+s.Name, "New"+s.Name)
	}
	for _, x := range f.Exceptions {
		n.create[x] = n.claim("the constructor of the exception "+x.Name, "New"+x.Name)
	}
	for _, u := range f.Unions {
		what := "coder of the union " + u.Name
		n.codec[u] = codecNames{n.claim("the en"+what, "Encode"+u.Name), n.claim("the de"+what, "Decode"+u.Name)}
	}
	for _, s := range f.Services {
		for _, m := range s.Methods {
			n.methods(m)
		}
	}
	for _, s := range f.Services { // behind all that is older, so that it renames nothing
		names := n.service[s]
		names.caller = n.serviceName(s, "", "Caller")
		n.service[s] = names
	}
	n.constraints(f)
	return n
}

// isMain reports whether a file is named as its package: shop.yodel in acme.shop.
func isMain(f *schema.File) bool {
	base := strings.TrimSuffix(path.Base(f.Path), ".yodel")
	return strings.EqualFold(strings.ReplaceAll(base, "-", "_"), Package(f))
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
		n.claim("the exception "+x.Name, x.Name)
	}
	for _, s := range f.Structs {
		n.claim("the struct "+s.Name, s.Name)
	}
	for _, e := range f.Enums {
		n.claim("the enum "+e.Name, e.Name)
		for _, v := range e.Values {
			n.claim("the value "+v.Name+" of "+e.Name, valueName(e, v.Name))
		}
	}
	for _, u := range f.Unions {
		n.claim("the union "+u.Name, u.Name)
		for _, m := range u.Members {
			n.claim("the member "+m.Name+" of "+u.Name, memberName(u, m))
		}
	}
}

func valueName(e *schema.Enum, value string) string { return e.Name + schema.UpperCamel(value) }

func memberName(u *schema.Union, m *schema.Field) string { return u.Name + schema.UpperCamel(m.Name) }

func (n *names) services(s *schema.Service) {
	n.service[s] = serviceNames{
		handler: n.serviceName(s, "", "Handler"), newService: n.serviceName(s, "New", "Service"),
		client: n.serviceName(s, "", "Client"), newClient: n.serviceName(s, "New", "Client"),
	}
}

// serviceName takes a name of what is generated for a service: short for the file's own.
func (n *names) serviceName(s *schema.Service, prefix, suffix string) string {
	what := "the " + strings.TrimSpace(prefix+" "+strings.ToLower(suffix)) + " of the service " + s.Name
	if s.Own && n.short {
		return n.claim(what, prefix+suffix, prefix+s.Name+suffix)
	}
	return n.claim(what, prefix+s.Name+suffix)
}

func (n *names) methods(m *schema.Method) {
	name := schema.UpperCamel(m.Name)
	long := m.Service.Name + name
	what := "the method " + m.Name + " of " + m.Service.Name
	claim := func(suffix string) string {
		return n.claimLocal(what, lowerFirst(name)+suffix, lowerFirst(long)+suffix)
	}
	names := methodNames{args: claim("Args"), result: claim("Result"), variable: claim("Method")}
	if hasOptions(m) {
		names.option = n.claimLocal("the type of the options of "+m.Service.Name+"."+m.Name, name+"Option",
			long+"Option")
	}
	n.method[m] = names
	for _, p := range m.Params {
		if isOption(p) {
			option := schema.UpperCamel(p.Name)
			n.option[p] = n.claimLocal("the option "+p.Name+" of "+m.Service.Name+"."+m.Name, option, name+option,
				long+option)
		}
	}
}

// constraints names what checks constraints. It comes last, so that a new constraint renames nothing.
func (n *names) constraints(f *schema.File) {
	for _, u := range f.Unions {
		if schema.Constrained(u.Members) {
			n.check[u] = n.claim("the checker of the union "+u.Name, "Check"+u.Name)
		}
	}
	patterns := func(owner string, fields []*schema.Field) {
		for _, p := range fields {
			if c := p.Constraints; c != nil && c.Pattern != "" && n.pattern[c.Pattern] == "" {
				n.pattern[c.Pattern] = n.claim("the pattern of "+owner+"."+p.Name,
					lowerFirst(owner)+schema.UpperCamel(p.Name)+"Pattern")
			}
		}
	}
	for _, s := range f.Structs {
		patterns(s.Name, s.Fields)
	}
	for _, u := range f.Unions {
		patterns(u.Name, u.Members)
	}
	for _, s := range f.Services {
		for _, m := range s.Methods {
			patterns(s.Name+schema.UpperCamel(m.Name), m.Params)
		}
	}
}

// claimLocal takes the first name that is free where the file has short names, else the last one.
func (n *names) claimLocal(what string, candidates ...string) string {
	if !n.short {
		candidates = candidates[len(candidates)-1:]
	}
	return n.claim(what, candidates...)
}

// claim takes the first of the names that is free, or the last one with underscores.
func (n *names) claim(what string, candidates ...string) string {
	name := candidates[len(candidates)-1]
	if i := slices.IndexFunc(candidates, func(c string) bool { return !n.taken[c] }); i >= 0 {
		name = candidates[i]
	}
	for n.taken[name] {
		name += "_"
	}
	n.taken[name] = true
	n.declares[name] = what
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
	"body", "c", "call", "ctx", "err", "h", "in", "opt", "opts", "out", "stream",
}

// reserved reports whether generated code cannot use name for something of its own.
func reserved(name string) bool {
	return token.IsKeyword(name) || types.Universe.Lookup(name) != nil || isStandard(name) ||
		name == "rpc" || name == "slog" || name == "wire"
}

func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }
