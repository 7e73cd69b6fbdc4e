package dynamic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/nearest"
	"github.com/yodelrpc/yodel/rpc"
)

// A Package is what definitions declare, ready for calls.
type Package struct {
	services []*Service
	methods  []*Method
	types    map[string]*Type
}

// Load returns what the files declare; the types of what they import are there as well, services are not. It fails
// where two declarations have the same full name. A schema that did not come from the compiler has to keep its rules.
func Load(files ...*schema.File) (*Package, error) {
	b := newBuilder()
	p := &Package{types: make(map[string]*Type)}
	for _, f := range withImports(files) {
		for _, t := range b.declare(f) {
			if p.types[t.name] != nil {
				return nil, fmt.Errorf("two types are called %s", t.name)
			}
			p.types[t.name] = t
		}
	}
	if err := b.define(); err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	for _, f := range files {
		for _, s := range f.Services {
			service, err := b.service(s)
			if err != nil {
				return nil, err
			}
			if seen[service.Name()] {
				return nil, fmt.Errorf("two services are called %s", service.Name())
			}
			seen[service.Name()] = true
			p.services = append(p.services, service)
			p.methods = append(p.methods, service.methods...)
		}
	}
	return p, nil
}

// withImports returns the files and all that they import, each once.
func withImports(files []*schema.File) []*schema.File {
	var all []*schema.File
	var add func(f *schema.File)
	add = func(f *schema.File) {
		if slices.Contains(all, f) {
			return
		}
		all = append(all, f)
		for _, imported := range f.Imports {
			add(imported)
		}
	}
	for _, f := range files {
		add(f)
	}
	return all
}

// Services returns the services, in the order of the definitions. Nobody changes the list.
func (p *Package) Services() []*Service { return p.services }

// Type returns the struct, union or exception with a full name, "calc.Point", or nil.
func (p *Package) Type(fullName string) *Type { return p.types[fullName] }

// Method returns the method that a name means: "divide", "Calculator.divide", or "calc.Calculator/divide". Where
// several services have a method of the bare name, it means the one outside a service, if there is one. The error of a
// name that means none, or several, says which there are.
func (p *Package) Method(name string) (*Method, error) {
	var found, own []*Method
	for _, m := range p.methods {
		switch name {
		case m.schema.Name:
			if found = append(found, m); m.rpc.Own {
				own = append(own, m)
			}
		case m.shortName(), m.rpc.FullName():
			return m, nil
		}
	}
	if len(found) > 1 && len(own) == 1 {
		found = own
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("there is no method %s; there is %s", rpc.Quote(name),
			nearest.List(name, p.methodNames()))
	}
	names := make([]string, len(found))
	for i, m := range found {
		names[i] = m.shortName()
	}
	return nil, fmt.Errorf("%d services have a method %q; call %s", len(found), name, strings.Join(names, " or "))
}

// methodNames returns the shortest name of each method that means no other.
func (p *Package) methodNames() []string {
	count := make(map[string]int)
	for _, m := range p.methods {
		count[m.schema.Name]++
	}
	var names []string
	for _, m := range p.methods {
		if count[m.schema.Name] == 1 {
			names = append(names, m.schema.Name)
		} else {
			names = append(names, m.shortName())
		}
	}
	return names
}
