package compat

import (
	"fmt"
	"slices"

	"github.com/yodelrpc/yodel/idl/schema"
)

// A decl is one declared type: the member that it is, is set.
type decl struct {
	file      *schema.File
	name      string
	enum      *schema.Enum
	structure *schema.Struct
	union     *schema.Union
	exception *schema.Exception
}

func (d decl) fullName() string { return d.file.Package + "." + d.name }

// declared returns the types of a file.
func declared(f *schema.File) []decl {
	var all []decl
	for _, e := range f.Enums {
		all = append(all, decl{file: f, name: e.Name, enum: e})
	}
	for _, s := range f.Structs {
		all = append(all, decl{file: f, name: s.Name, structure: s})
	}
	for _, u := range f.Unions {
		all = append(all, decl{file: f, name: u.Name, union: u})
	}
	for _, e := range f.Exceptions {
		all = append(all, decl{file: f, name: e.Name, exception: e})
	}
	return all
}

// decl compares an old type with its counterpart.
func (c *comparison) decl(old decl) {
	at, new := old.fullName(), c.newDecls[c.toNew[old.fullName()]]
	switch {
	case old.enum != nil && new.enum != nil:
		c.enum(at, old.enum, new.enum)
	case old.structure != nil && new.structure != nil:
		a, b := old.structure, new.structure
		c.fields(at, a.Fields, b.Fields, a.Reserved, b.Reserved)
	case old.union != nil && new.union != nil:
		a, b := old.union, new.union
		c.fields(at, a.Members, b.Members, a.Reserved, b.Reserved)
	case old.exception != nil && new.exception != nil:
		c.exception(at, old.exception, new.exception)
	default:
		c.add(Wire, at, "it became "+new.what()+", and was "+old.what(), "give what is new another name")
	}
}

func (d decl) what() string {
	switch {
	case d.enum != nil:
		return "an enum"
	case d.structure != nil:
		return "a struct"
	case d.union != nil:
		return "a union"
	}
	return "an exception"
}

func (c *comparison) enum(at string, old, new *schema.Enum) {
	for _, v := range old.Values {
		c.enumValue(at+"."+v.Name, v, new)
	}
	for _, v := range new.Values {
		c.wasReserved(at+"."+v.Name, int(v.Number), old.Reserved)
	}
}

func (c *comparison) exception(at string, old, new *schema.Exception) {
	if old.Code != new.Code {
		c.add(Meaning, at, fmt.Sprintf("the code changed from %s to %s", old.Code, new.Code), "write @code("+old.Code+")")
	}
	c.fields(at, old.Fields, new.Fields, old.Reserved, new.Reserved)
}

func (c *comparison) enumValue(place string, v schema.EnumValue, e *schema.Enum) {
	for _, n := range e.Values {
		switch {
		case n.Name == v.Name && n.Number != v.Number:
			c.add(Wire, place, fmt.Sprintf("the number changed from %d to %d", v.Number, n.Number),
				fmt.Sprintf("write %s = %d", v.Name, v.Number))
			return
		case n.Name == v.Name:
			return
		}
	}
	for _, n := range e.Values {
		if n.Number == v.Number {
			c.add(Source, place, "the value is now named "+n.Name+"; programs that speak JSON write the old name",
				"keep the name")
			return
		}
	}
	if slices.Contains(e.Reserved, int(v.Number)) {
		c.add(Source, place, "the value is gone", `keep it, marked @deprecated("...")`)
		return
	}
	c.add(Wire, place, "the value is gone, and its number may be used again",
		fmt.Sprintf("write reserved %d in the enum %s", v.Number, e.Name))
}

// fields compares those of a struct, a union or an exception.
func (c *comparison) fields(place string, old, new []*schema.Field, oldReserved, newReserved []int) {
	for _, f := range old {
		at := place + "." + f.Name
		if n := numbered(new, f.Number); n != nil {
			c.field(at, f, n)
		} else if n := named(new, f.Name); n != nil {
			c.renumbered(at, f, n)
		} else {
			c.fieldGone(at, f, newReserved)
		}
	}
	for _, n := range new {
		c.wasReserved(place+"."+n.Name, n.Number, oldReserved)
	}
}

func (c *comparison) field(place string, old, new *schema.Field) {
	if !c.sameField(place, old, new) {
		return
	}
	switch {
	case old.Type.Optional != new.Type.Optional:
		c.add(Source, place, "it "+isOptional(new.Type)+" optional", "keep "+spelled(old.Type))
	case valueText(old) != valueText(new):
		c.add(Meaning, place, fmt.Sprintf("where it is left off, it was read as %s and is now read as %s",
			valueText(old), valueText(new)), "keep the default")
	}
	c.sensitive(place, old, new)
}

// sameField compares what fields and parameters have in common, and reports whether the type is still the same.
func (c *comparison) sameField(place string, old, new *schema.Field) bool {
	if c.sameType(old.Type, new.Type) {
		if old.Name != new.Name {
			c.add(Source, place, "it is now named "+new.Name+"; programs that speak JSON write the old name", "keep the name")
		}
		return true
	}
	if old.Name != new.Name {
		c.add(Wire, place, fmt.Sprintf("its number %d now belongs to %s %s", old.Number, spelled(new.Type), new.Name),
			fmt.Sprintf("give %s a number of its own", new.Name))
		return false
	}
	c.typeChanged(place, old.Type, new.Type)
	return false
}

func (c *comparison) sensitive(place string, old, new *schema.Field) {
	if old.Sensitive && !new.Sensitive {
		c.add(Meaning, place, "it is no longer @sensitive, so that logs show it", "write @sensitive")
	}
}

func (c *comparison) renumbered(place string, old, new *schema.Field) {
	c.add(Wire, place, fmt.Sprintf("the number changed from %d to %d", old.Number, new.Number),
		fmt.Sprintf("write %d: %s %s", old.Number, spelled(new.Type), new.Name))
}

func (c *comparison) fieldGone(place string, old *schema.Field, reserved []int) {
	if slices.Contains(reserved, old.Number) {
		c.add(Source, place, "it is gone; the basic protocol answers those who still send it with an error",
			`keep it, marked @deprecated("...")`)
		return
	}
	c.add(Wire, place, "it is gone, and its number may be used again", fmt.Sprintf("write reserved %d", old.Number))
}

func (c *comparison) wasReserved(place string, number int, reserved []int) {
	if slices.Contains(reserved, number) {
		c.add(Wire, place, fmt.Sprintf("its number %d was reserved, since something else had it once", number),
			"take a number that was never used")
	}
}

func numbered(fields []*schema.Field, number int) *schema.Field {
	i := slices.IndexFunc(fields, func(f *schema.Field) bool { return f.Number == number })
	if i < 0 {
		return nil
	}
	return fields[i]
}

func named(fields []*schema.Field, name string) *schema.Field {
	i := slices.IndexFunc(fields, func(f *schema.Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return fields[i]
}
