package compat

import "github.com/yodelrpc/yodel/idl/schema"

// uses returns the full names of the types that parameters of either version have in them, and of those that
// parameters, results and exceptions have.
func uses(old, new []*schema.File) (asked, used map[string]bool) {
	asked, used = map[string]bool{}, map[string]bool{}
	for _, f := range append(append([]*schema.File{}, old...), new...) {
		for _, s := range f.Services {
			for _, m := range s.Methods {
				useFields(asked, m.Params)
				useFields(used, m.Params)
				if m.Result != nil {
					useType(used, m.Result)
				}
				for _, x := range m.Exceptions {
					used[exceptionName(x)] = true
					useFields(used, x.Fields)
				}
			}
		}
	}
	return asked, used
}

func useFields(in map[string]bool, fields []*schema.Field) {
	for _, f := range fields {
		useType(in, f.Type)
	}
}

func useType(in map[string]bool, t *schema.Type) {
	if t.Elem != nil {
		useType(in, t.Elem)
		return
	}
	name := fullName(t)
	if name == "" || in[name] {
		return
	}
	in[name] = true
	switch t.Kind {
	case schema.StructType:
		useFields(in, t.Struct.Fields)
	case schema.UnionType:
		useFields(in, t.Union.Members)
	}
}
