package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/syntax"
)

// find returns the declaration that a name refers to: one of the file, else of its imports. It returns nil, and has
// reported why, if there is none or more than one; an unknown name is reported by the function given.
func (f *file) find(n syntax.Name, unknown func(syntax.Name)) *decl {
	if d := f.names[n.Text]; d != nil {
		return d
	}
	pkg, name := "", n.Text
	if i := strings.LastIndexByte(n.Text, '.'); i >= 0 {
		pkg, name = n.Text[:i], n.Text[i+1:]
	}
	if d := f.names[name]; d != nil && pkg == f.schema.Package {
		return d
	}
	var found []*decl
	for _, i := range f.imports {
		if d := i.names[name]; d != nil && (pkg == "" || pkg == i.schema.Package) {
			i.used = true
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		unknown(n)
		return nil
	case 1:
		return found[0]
	}
	f.ambiguous(n, found)
	return nil
}

func (f *file) ambiguous(n syntax.Name, found []*decl) {
	a, b := found[0].file.schema, found[1].file.schema
	remedy := fmt.Sprintf("write %s.%s or %s.%s", a.Package, found[0].name.Text, b.Package, found[1].name.Text)
	if a.Package == b.Package {
		remedy = "rename one of them"
	}
	f.report(n.Pos, fmt.Sprintf("%s is declared by both %s and %s", n.Text, a.Path, b.Path), remedy)
}

// unknownType reports a type that is not declared, unless the reason may be an error reported before.
func (f *file) unknownType(n syntax.Name) {
	lower := strings.ToLower(n.Text)
	ours, ok := foreign[lower]
	if isBuiltin(lower) {
		ours, ok = lower, true
	}
	if ok {
		f.report(n.Pos, fmt.Sprintf("unknown type %q", n.Text), "write "+ours)
		return
	}
	if f.broken {
		return
	}
	isType := func(d *decl) bool { return d.what != "exception" && d.what != "service" }
	remedy := "declare it, as in: struct " + typeName(lastPart(n.Text)) + " { 1: int x }, or import the file that does"
	if near := f.suggest(n.Text, slices.Sorted(maps.Keys(scalars)), isType); near != "" {
		remedy = "did you mean " + near + "?"
	}
	f.report(n.Pos, fmt.Sprintf("unknown type %q", n.Text), remedy)
}

// suggest returns what is nearest to an unknown name among others and the declarations that fit; empty if none is near.
func (f *file) suggest(name string, others []string, fits func(*decl) bool) string {
	best := f.nearest(lastPart(name))
	for _, s := range others {
		best.try(s, s)
	}
	for _, d := range f.decls {
		if fits(d) {
			best.try(d.name.Text, d.name.Text)
		}
	}
	for _, i := range f.imports {
		for _, d := range i.decls {
			if fits(d) {
				best.try(d.name.Text, i.schema.Package+"."+d.name.Text)
			}
		}
	}
	return best.found
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// foreign are names of types in other languages, and what to write for them.
var foreign = map[string]string{
	"int32": "int", "i32": "int", "sint32": "int", "int16": "int", "i16": "int", "int8": "int", "i8": "int",
	"short": "int", "byte": "int, or bytes for many of them", "char": "int", "integer": "int",
	"uint8": "uint", "u8": "uint", "uint16": "uint", "u16": "uint",
	"int64": "long", "i64": "long", "sint64": "long", "uint32": "uint", "u32": "uint", "fixed32": "uint",
	"uint64": "ulong", "u64": "ulong", "fixed64": "ulong", "float32": "float", "f32": "float",
	"float64": "double", "f64": "double", "number": "double", "real": "double", "decimal": "double, or string",
	"boolean": "bool", "str": "string", "text": "string", "binary": "bytes", "blob": "bytes", "buffer": "bytes",
	"time": "timestamp", "date": "timestamp", "datetime": "timestamp", "instant": "timestamp",
	"google.protobuf.timestamp": "timestamp", "google.protobuf.duration": "duration", "timedelta": "duration",
	"array": "list<T>", "vector": "list<T>", "slice": "list<T>", "set": "list<T>", "sequence": "list<T>",
	"dict": "map<K, V>", "hash": "map<K, V>", "hashmap": "map<K, V>", "table": "map<K, V>",
	"optional": "T?", "option": "T?", "oneof": "the name of a union", "any": "a union of what it may be",
	"object": "the name of a struct", "void": "the type of a value; void stands where a method returns nothing",
}
