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
		c.add(Source|Wire, at, "it became "+new.what()+", and was "+old.what(), "give what is new another name")
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
		c.enumValue(at+"."+v.Name, v, old, new)
	}
	for _, v := range new.Values {
		c.wasReserved(at+"."+v.Name, int(v.Number), old.Reserved)
		if !hasValue(old, func(o schema.EnumValue) bool { return o.Name == v.Name || o.Number == v.Number }) {
			c.add(JSON, at+"."+v.Name, "a new value; those who do not know it cannot read its name in JSON",
				"send it to nobody who was built before")
		}
	}
}

func hasValue(e *schema.Enum, fits func(schema.EnumValue) bool) bool {
	return slices.ContainsFunc(e.Values, fits)
}

func (c *comparison) exception(at string, old, new *schema.Exception) {
	if old.Code != new.Code {
		c.add(Meaning, at, fmt.Sprintf("the code changed from %s to %s", old.Code, new.Code),
			"write @code("+old.Code+")")
	}
	c.fields(at, old.Fields, new.Fields, old.Reserved, new.Reserved)
}

func (c *comparison) enumValue(place string, v schema.EnumValue, old, new *schema.Enum) {
	for _, n := range new.Values {
		switch {
		case n.Name == v.Name && n.Number != v.Number:
			c.add(Basic|Mux, place, fmt.Sprintf("the number changed from %d to %d", v.Number, n.Number),
				fmt.Sprintf("write %s = %d", v.Name, v.Number))
			return
		case n.Name == v.Name:
			return
		}
	}
	for _, n := range new.Values {
		if n.Number == v.Number && !hasValue(old, func(o schema.EnumValue) bool { return o.Name == n.Name }) {
			c.add(Source|JSON, place, "the value is now named "+n.Name+"; JSON has the name", "keep the name")
			return
		}
	}
	if slices.Contains(new.Reserved, int(v.Number)) {
		c.add(Source|JSON, place, "the value is gone, and its name is not read in JSON any more",
			`keep it, marked @deprecated("...")`)
		return
	}
	c.add(Source|JSON, place,
		"the value is gone, its name is not read in JSON any more, and its number may be used again",
		fmt.Sprintf("keep it, marked @deprecated(\"...\"), or at least write reserved %d in the enum %s", v.Number,
			new.Name))
}

// A partner is what became of a field: the one of its name, else the one of its number whose name is new.
func partner(f *schema.Field, old, new []*schema.Field) *schema.Field {
	if n := named(new, f.Name); n != nil {
		return n
	}
	if n := numbered(new, f.Number); n != nil && named(old, n.Name) == nil {
		return n
	}
	return nil
}

// fields compares those of a struct, a union or an exception, whose full name is place.
func (c *comparison) fields(place string, old, new []*schema.Field, oldReserved, newReserved []int) {
	met := map[*schema.Field]bool{}
	for _, f := range old {
		at, n := place+"."+f.Name, partner(f, old, new)
		met[n] = true
		switch {
		case n == nil:
			c.fieldGone(at, f, newReserved, c.inRequests(place, JSON))
		case n.Number != f.Number:
			c.renumbered(at, f, n)
		default:
			c.field(at, f, n)
			c.constraints(at, f, n, c.inRequests(place, Source|Wire))
		}
	}
	for _, n := range new {
		at := place + "." + n.Name
		c.wasReserved(at, n.Number, oldReserved)
		if !met[n] {
			c.add(Basic|c.inRequests(place, JSON), at,
				"it is new; "+c.whoRefuses(place)+" those who do not know it refuse it",
				"set it for nobody who was built before, or leave the type alone and add a method")
		}
	}
}

// whoRefuses says on which protocols a field that the receiver lacks is an error.
func (c *comparison) whoRefuses(place string) string {
	if c.inRequests(place, JSON) != 0 {
		return "over the basic protocol, and servers in JSON,"
	}
	return "over the basic protocol"
}

func (c *comparison) field(place string, old, new *schema.Field) {
	if !c.sameField(place, old, new, Source) {
		return
	}
	switch {
	case old.Type.Optional != new.Type.Optional:
		c.optional(place, old, new)
	case valueText(old) != valueText(new):
		c.add(Meaning, place, fmt.Sprintf("where it is left off, it was read as %s and is now read as %s",
			valueText(old), valueText(new)), "keep the default")
	}
	c.sensitive(place, old, new)
}

// optional reports that absence has come to mean something, or means nothing any more.
func (c *comparison) optional(place string, old, new *schema.Field) {
	reach := Meaning
	if old.Type.Kind != schema.UnionType { // which is nil in Go either way
		reach |= Go
	}
	if old.Type.Optional {
		reach |= Python // which refuses None
	}
	c.add(reach, place, "it "+isOptional(new.Type)+" optional, and reads otherwise where it is left off",
		"keep "+spelled(old.Type))
}

// sameField compares what fields and parameters have in common, and reports whether the type is still the same. source
// is whose programs a new name breaks.
func (c *comparison) sameField(place string, old, new *schema.Field, source Reach) bool {
	if c.sameType(old.Type, new.Type) {
		if old.Name != new.Name {
			c.add(source|JSON, place, "it is now named "+new.Name+"; JSON has the name", "keep the name")
		}
		return true
	}
	if old.Name != new.Name {
		c.add(Source|Wire, place,
			fmt.Sprintf("its number %d now belongs to %s %s", old.Number, spelled(new.Type), new.Name),
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
	c.add(Basic|Mux, place, fmt.Sprintf("the number changed from %d to %d", old.Number, new.Number),
		fmt.Sprintf("write %d: %s %s", old.Number, spelled(new.Type), new.Name))
	if !c.sameType(old.Type, new.Type) {
		c.typeChanged(place, old.Type, new.Type)
	}
}

func (c *comparison) fieldGone(place string, old *schema.Field, reserved []int, json Reach) {
	text, remedy := "it is gone, and who does not know it refuses it over the basic protocol, and a server in JSON",
		`keep it, marked @deprecated("...")`
	if json == 0 {
		text = "it is gone, and who does not know it refuses it over the basic protocol"
	}
	if !slices.Contains(reserved, old.Number) {
		text += "; its number may be used again"
		remedy += fmt.Sprintf(", or at least write reserved %d", old.Number)
	}
	c.add(Source|Basic|json, place, text, remedy)
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
