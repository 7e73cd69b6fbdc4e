package compat_test

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// A side is one version of a definition, whose fields, values and exceptions have identities that both versions share:
// that of a new one is the old one of the same name, else the old one of the same number whose name is gone.
type side struct {
	file  *schema.File
	was   map[string]string // what the types of the new version were called
	field map[*schema.Field]string
	value map[*schema.Enum]map[int32]string
	least map[*schema.Field]bool     // fields that take nothing below zero, in this version or in the old one
	zero  map[string]bool            // the paths of these
	known map[string]map[string]bool // by method: the paths, without indices, and the values of enums that it has
}

func newSide(file, old *schema.File, was map[string]string) *side {
	s := &side{file: file, was: was, field: map[*schema.Field]string{}, value: map[*schema.Enum]map[int32]string{},
		least: map[*schema.Field]bool{}, zero: map[string]bool{}, known: map[string]map[string]bool{}}
	for _, x := range file.Structs {
		s.identify(x.Fields, fieldsOf(old, s.typeID(x.Name)))
	}
	for _, x := range file.Exceptions {
		s.identify(x.Fields, fieldsOf(old, s.typeID(x.Name)))
	}
	for _, x := range file.Unions {
		s.identify(x.Members, fieldsOf(old, s.typeID(x.Name)))
	}
	for _, x := range file.Enums {
		s.identifyValues(x, old)
	}
	for _, m := range methods(file) {
		if o := methodNamed(old, methodID(m)); o != nil {
			s.identify(m.Params, o.Params)
		} else {
			s.identify(m.Params, nil)
		}
	}
	for _, m := range methods(file) {
		s.know(m)
	}
	return s
}

func (s *side) typeID(name string) string {
	if was := s.was[name]; was != "" {
		return was
	}
	return name
}

func (s *side) identify(fields, old []*schema.Field) {
	find := func(list []*schema.Field, fits func(*schema.Field) bool) *schema.Field {
		if i := slices.IndexFunc(list, fits); i >= 0 {
			return list[i]
		}
		return nil
	}
	for _, f := range fields {
		s.field[f] = f.Name
		named := func(name string) func(*schema.Field) bool {
			return func(o *schema.Field) bool { return o.Name == name }
		}
		o := find(old, func(o *schema.Field) bool { return o.Number == f.Number })
		if find(old, named(f.Name)) == nil && o != nil && find(fields, named(o.Name)) == nil {
			s.field[f] = o.Name
		}
		// New programs keep to what old servers take: where constraints are loosened, servers are replaced first.
		o = find(old, named(f.Name))
		s.least[f] = f.Constraints != nil || o != nil && o.Constraints != nil
	}
}

func (s *side) identifyValues(e *schema.Enum, old *schema.File) {
	s.value[e] = map[int32]string{}
	var before []schema.EnumValue
	for _, o := range old.Enums {
		if o.Name == s.typeID(e.Name) {
			before = o.Values
		}
	}
	has := func(list []schema.EnumValue, name string) bool {
		return slices.ContainsFunc(list, func(v schema.EnumValue) bool { return v.Name == name })
	}
	for _, v := range e.Values {
		id := v.Name
		for _, o := range before {
			if o.Number == v.Number && !has(before, v.Name) && !has(e.Values, o.Name) {
				id = o.Name
			}
		}
		s.value[e][v.Number] = fmt.Sprintf("enum:%s.%s#%d", s.typeID(e.Name), id, v.Number)
	}
}

func (s *side) know(m *schema.Method) {
	known := map[string]bool{}
	s.known[methodID(m)] = known
	for _, p := range m.Params {
		s.zero["in "+s.field[p]] = s.least[p]
		s.knowType(known, "in "+s.field[p], p.Type)
	}
	if m.Result != nil {
		s.knowType(known, "out result", m.Result)
	}
	for _, x := range m.Exceptions {
		known["raise "+s.typeID(x.Name)] = true
		for _, f := range x.Fields {
			s.knowType(known, "out "+s.typeID(x.Name)+"."+s.field[f], f.Type)
		}
	}
}

func (s *side) knowType(known map[string]bool, path string, t *schema.Type) {
	known[path] = true
	switch t.Kind {
	case schema.List, schema.Map:
		s.knowType(known, path+"[]", t.Elem)
	case schema.EnumType:
		known["enum:"+path] = true
		for _, id := range s.value[t.Enum] {
			known[enumName(id)] = true
		}
	case schema.StructType:
		for _, f := range t.Struct.Fields {
			s.zero[path+"."+s.field[f]] = s.least[f]
			s.knowType(known, path+"."+s.field[f], f.Type)
		}
	case schema.UnionType:
		for _, f := range t.Union.Members {
			s.knowType(known, path+"."+s.field[f], f.Type)
		}
	}
}

var index = regexp.MustCompile(`\[[^]]*\]`)

// knows reports whether this version of a method has what a noted value stands for.
func (s *side) knows(method, path, value string) bool {
	known := s.known[method]
	path = index.ReplaceAllString(path, "[]")
	isEnum := strings.HasPrefix(value, "enum:") && known["enum:"+path]
	return known[path] && (!isEnum || known[enumName(value)])
}

// enumName returns the noted value of an enum without its number.
func enumName(value string) string {
	name, _, _ := strings.Cut(value, "#")
	return name
}

func fieldsOf(f *schema.File, name string) []*schema.Field {
	for _, x := range f.Structs {
		if x.Name == name {
			return x.Fields
		}
	}
	for _, x := range f.Exceptions {
		if x.Name == name {
			return x.Fields
		}
	}
	for _, x := range f.Unions {
		if x.Name == name {
			return x.Members
		}
	}
	return nil
}

func methods(f *schema.File) []*schema.Method {
	var all []*schema.Method
	for _, s := range f.Services {
		all = append(all, s.Methods...)
	}
	return all
}

func methodID(m *schema.Method) string { return m.Service.Name + "." + m.Name }

func methodNamed(f *schema.File, id string) *schema.Method {
	for _, m := range methods(f) {
		if methodID(m) == id {
			return m
		}
	}
	return nil
}

// seed is a number from 0 to 999 that belongs to a path and a variant.
func seed(path string, variant int) int {
	h := fnv.New32a()
	fmt.Fprint(h, path, variant)
	return int(h.Sum32() % 1000)
}

// sampleInt returns an int that a variant takes.
func (s *side) sampleInt(path string, variant int) int64 {
	if s.zero[path] {
		return int64(seed(path, variant))
	}
	return int64(-1<<31) + int64(seed(path, variant))
}

func isOption(p *schema.Field) bool { return p.Default != nil || p.Type.Optional }

func isStream(m *schema.Method) bool { return m.StreamParam != nil || m.StreamResult }

// sampleValue returns the value of an enum that a variant takes.
func sampleValue(e *schema.Enum, variant int) schema.EnumValue {
	if variant == 0 || len(e.Values) == 1 {
		return e.Values[len(e.Values)-1]
	}
	return e.Values[1]
}

func sampleMember(u *schema.Union, variant int) *schema.Field {
	if variant == 0 {
		return u.Members[0]
	}
	return u.Members[len(u.Members)-1]
}
