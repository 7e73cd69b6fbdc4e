package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// scalars are the types without parts, by name.
var scalars = map[string]schema.Kind{
	"bool": schema.Bool, "int": schema.Int, "long": schema.Long, "uint": schema.Uint, "ulong": schema.Ulong,
	"float": schema.Float, "double": schema.Double, "string": schema.String, "bytes": schema.Bytes,
	"timestamp": schema.Timestamp, "duration": schema.Duration,
}

// isBuiltin reports whether a name is that of a type of the language.
func isBuiltin(name string) bool {
	_, scalar := scalars[name]
	return scalar || name == "list" || name == "map"
}

// typ finds out what a type means; nil if it means nothing, which is reported then.
func (f *file) typ(t *syntax.Type) *schema.Type {
	var found *schema.Type
	switch t.Name.Text {
	case "":
		return nil // reported by the parser
	case "list":
		found = f.list(t)
	case "map":
		found = f.mapType(t)
	default:
		found = f.named(t)
	}
	if found != nil {
		found.Optional = t.Optional
	}
	return found
}

func (f *file) list(t *syntax.Type) *schema.Type {
	f.notOptional(t)
	if len(t.Args) != 1 {
		f.report(t.Name.Pos, "list takes one type", "write list<int>")
		return nil
	}
	elem := f.element(t, t.Args[0])
	if elem == nil {
		return nil
	}
	return &schema.Type{Kind: schema.List, Elem: elem}
}

func (f *file) mapType(t *syntax.Type) *schema.Type {
	f.notOptional(t)
	if len(t.Args) != 2 {
		f.report(t.Name.Pos, "map takes two types, of its keys and of its values", "write map<string, int>")
		return nil
	}
	key, elem := f.key(t.Args[0]), f.element(t, t.Args[1])
	if key == nil || elem == nil {
		return nil
	}
	return &schema.Type{Kind: schema.Map, Key: key, Elem: elem}
}

func (f *file) notOptional(t *syntax.Type) {
	if t.Optional {
		bare := strings.TrimSuffix(t.String(), "?")
		f.report(t.Name.Pos, fmt.Sprintf("a %s is not optional: an absent one is empty", t.Name.Text),
			fmt.Sprintf("write %s, or wrap it in a struct: struct Items { 1: %s items }, and take Items?", bare, bare))
	}
}

// element finds out the type of the elements of a list or the values of a map.
func (f *file) element(of, t *syntax.Type) *schema.Type {
	elem := f.typ(t)
	if elem == nil {
		return nil
	}
	switch {
	case elem.Kind == schema.List || elem.Kind == schema.Map:
		f.report(t.Name.Pos, fmt.Sprintf("a %s of a %s cannot be encoded", of.Name.Text, t.Name.Text),
			fmt.Sprintf("wrap the inner one in a struct: struct Row { 1: %s items }", t))
		return nil
	case elem.Optional:
		f.report(t.Name.Pos, fmt.Sprintf("what a %s holds is not optional", of.Name.Text),
			fmt.Sprintf("leave the ? out, or wrap it in a struct: struct Item { 1: %s value }", t))
		return nil
	}
	return elem
}

// key finds out the type of a map's keys.
func (f *file) key(t *syntax.Type) *schema.Type {
	key := f.typ(t)
	if key == nil {
		return nil
	}
	good := []schema.Kind{schema.Bool, schema.Int, schema.Long, schema.Uint, schema.Ulong, schema.String}
	if key.Optional || !slices.Contains(good, key.Kind) {
		f.report(t.Name.Pos, fmt.Sprintf("%s cannot be the key of a map", t),
			"write string, int, long, uint, ulong or bool as the key, or a list of structs instead of the map")
		return nil
	}
	return key
}

// checkArgs reports what is wrong with the parts of an unknown type.
func (f *file) checkArgs(t *syntax.Type) {
	for _, arg := range t.Args {
		f.typ(arg)
	}
}

// named finds out the type that a single name means.
func (f *file) named(t *syntax.Type) *schema.Type {
	kind, scalar := scalars[t.Name.Text]
	var d *decl
	if !scalar {
		if d = f.find(t.Name, f.unknownType); d == nil {
			f.checkArgs(t)
			return nil
		}
	}
	if len(t.Args) > 0 {
		f.report(t.Name.Pos, fmt.Sprintf("the type %s takes no types in < and >", t.Name.Text), "write "+t.Name.Text)
	}
	switch {
	case scalar:
		return &schema.Type{Kind: kind}
	case d.enum != nil:
		return &schema.Type{Kind: schema.EnumType, Enum: d.enum}
	case d.structure != nil:
		return &schema.Type{Kind: schema.StructType, Struct: d.structure}
	case d.union != nil:
		return &schema.Type{Kind: schema.UnionType, Union: d.union}
	}
	remedy := "write the name of a struct, union or enum"
	if d.what == "exception" {
		remedy = "write a struct with the same fields, or name the exception behind the => of a method"
	}
	f.report(t.Name.Pos, fmt.Sprintf("%s is %s, which is no type", t.Name.Text, article(d.what)), remedy)
	return nil
}
