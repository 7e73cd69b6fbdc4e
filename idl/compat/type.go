package compat

import (
	"fmt"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// sameType reports whether two types are the same on the wire, whether optional or not. Types that were renamed are.
func (c *comparison) sameType(old, new *schema.Type) bool {
	if old == nil || new == nil || old.Kind != new.Kind {
		return old == new
	}
	switch old.Kind {
	case schema.List:
		return c.sameType(old.Elem, new.Elem)
	case schema.Map:
		return c.sameType(old.Key, new.Key) && c.sameType(old.Elem, new.Elem)
	case schema.EnumType:
		return c.samePair(decl{file: old.Enum.File, name: old.Enum.Name, enum: old.Enum}, fullName(new))
	case schema.StructType:
		return c.samePair(decl{file: old.Struct.File, name: old.Struct.Name, structure: old.Struct}, fullName(new))
	case schema.UnionType:
		return c.samePair(decl{file: old.Union.File, name: old.Union.Name, union: old.Union}, fullName(new))
	}
	return true
}

// samePair reports whether two declared types are a pair; two without a partner become one, since that is a renaming.
func (c *comparison) samePair(old decl, new string) bool {
	if c.toNew[old.fullName()] == "" && c.toOld[new] == "" {
		c.pair(old.fullName(), new)
		c.renamed = append(c.renamed, old)
		c.add(Source, old.fullName(), "the type is now named "+new, "keep the name")
	}
	return c.toNew[old.fullName()] == new
}

// typeChanged reports that a type is another one.
func (c *comparison) typeChanged(place string, old, new *schema.Type) {
	text := fmt.Sprintf("the type changed from %s to %s", spelled(old), spelled(new))
	reach := Source | Wire
	if takes(new.Kind, old.Kind) {
		reach &^= Python
	}
	switch {
	case isInt32(old.Kind) && isInt32(new.Kind):
		text += "; JSON has names for the values of one of them"
		reach &^= Basic | Mux
	case alike(old.Kind) != 0 && alike(old.Kind) == alike(new.Kind):
		text += ", which mux bears for some values, and the basic protocol does not"
	}
	c.add(reach, place, text, "keep the type, and add what is new under a number and a name of its own")
}

// isInt32 reports whether binary protocols write a kind as 32 bits with a sign.
func isInt32(k schema.Kind) bool { return k == schema.Int || k == schema.EnumType }

// takes reports whether all values of a kind are values of another one in Python.
func takes(wide, narrow schema.Kind) bool {
	switch narrow {
	case schema.Int, schema.EnumType:
		return wide == schema.Int || wide == schema.Long
	case schema.Uint:
		return wide == schema.Ulong || wide == schema.Long
	case schema.Float, schema.Double:
		return wide == schema.Double
	}
	return false
}

// alike returns a number that kinds share whose values protobuf encodes alike; 0 for kinds that have no like.
func alike(k schema.Kind) int {
	switch k {
	case schema.Bool, schema.Int, schema.Long, schema.Uint, schema.Ulong, schema.EnumType:
		return 1
	case schema.String, schema.Bytes:
		return 2
	}
	return 0
}

// fullName returns the name of a declared type with its package.
func fullName(t *schema.Type) string {
	switch t.Kind {
	case schema.EnumType:
		return t.Enum.File.Package + "." + t.Enum.Name
	case schema.StructType:
		return t.Struct.File.Package + "." + t.Struct.Name
	case schema.UnionType:
		return t.Union.File.Package + "." + t.Union.Name
	}
	return ""
}

var scalarNames = map[schema.Kind]string{
	schema.Bool: "bool", schema.Int: "int", schema.Long: "long", schema.Uint: "uint", schema.Ulong: "ulong",
	schema.Float: "float", schema.Double: "double", schema.String: "string", schema.Bytes: "bytes",
	schema.Timestamp: "timestamp", schema.Duration: "duration",
}

// spelled returns a type as a definition writes it, "void" for nil.
func spelled(t *schema.Type) string {
	if t == nil {
		return "void"
	}
	text := scalarNames[t.Kind]
	switch t.Kind {
	case schema.List:
		text = "list<" + spelled(t.Elem) + ">"
	case schema.Map:
		text = "map<" + spelled(t.Key) + ", " + spelled(t.Elem) + ">"
	case schema.EnumType:
		text = t.Enum.Name
	case schema.StructType:
		text = t.Struct.Name
	case schema.UnionType:
		text = t.Union.Name
	}
	if t.Optional {
		text += "?"
	}
	return text
}

func isOptional(t *schema.Type) string {
	if t.Optional {
		return "is now"
	}
	return "is no longer"
}

// valueText returns what an absent field is read as, in the form of a definition.
func valueText(f *schema.Field) string {
	v := f.Default
	if v == nil {
		v = &schema.Value{}
	}
	switch f.Type.Kind {
	case schema.Bool:
		return fmt.Sprint(v.Bool)
	case schema.Int, schema.Long:
		return fmt.Sprint(v.Int)
	case schema.Uint, schema.Ulong:
		return fmt.Sprint(v.Uint)
	case schema.Float, schema.Double:
		return fmt.Sprint(v.Float)
	case schema.String:
		return syntax.Quote(v.String)
	case schema.Bytes:
		return syntax.Quote(string(v.Bytes))
	case schema.Timestamp:
		return v.Time.Format(time.RFC3339Nano)
	case schema.Duration:
		return v.Duration.String()
	case schema.EnumType:
		if v.Enum == nil {
			return "0"
		}
		return fmt.Sprint(v.Enum.Number)
	}
	return "nothing"
}
