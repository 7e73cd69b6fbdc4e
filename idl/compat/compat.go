// Package compat says what a new version of a definition breaks for those who were built from the old one.
//
// Compare takes the checked schemas of both. What is fine gives no change: a new type, method, enum value, field or
// union member, a new parameter that may be left out, @idempotent, @deprecated.
package compat

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/yodelrpc/yodel/idl/schema"
)

// A Kind says who notices a change.
type Kind int

// The kinds, the worst first.
const (
	Wire    Kind = iota + 1 // old and new programs misunderstand each other on some protocol
	Source                  // code that uses the generated code has to be changed, and JSON may name things otherwise
	Meaning                 // everything compiles and is understood, and means something else
)

// String returns "wire", "source" or "meaning".
func (k Kind) String() string {
	switch k {
	case Wire:
		return "wire"
	case Source:
		return "source"
	case Meaning:
		return "meaning"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// A Change is one difference that breaks something.
type Change struct {
	Kind   Kind
	Place  string // in the old definition, where there is one: "calc.Point.y", "calc.Calculator.divide.num2"
	Text   string // what changed and what that breaks
	Remedy string // how to get there without a break; empty where nothing helps
}

// String returns the change over one or two lines, without a line end after the last.
func (c Change) String() string {
	s := fmt.Sprintf("%s: %s: %s", c.Kind, c.Place, c.Text)
	if c.Remedy != "" {
		s += "\n  help: " + c.Remedy
	}
	return s
}

// Compare returns what the new files break of the old ones, imports included. A file's counterpart is the one with the
// same path, else the one with the same package; a single old file and a single new one are counterparts anyway.
func Compare(old, new []*schema.File) []Change {
	c := &comparison{newDecls: map[string]decl{}, toNew: map[string]string{}, toOld: map[string]string{}}
	pairs := pairFiles(withImports(old), withImports(new))
	if len(old) == 1 && len(new) == 1 {
		pairs[0].new = new[0]
	}
	for _, f := range withImports(new) {
		for _, d := range declared(f) {
			c.newDecls[d.fullName()] = d
		}
	}
	c.pairNames(pairs)
	for _, p := range pairs {
		c.file(p)
	}
	for len(c.renamed) > 0 {
		d := c.renamed[0]
		c.renamed = c.renamed[1:]
		c.decl(d)
	}
	for _, p := range pairs {
		c.gone(p)
	}
	return c.changes
}

// A comparison gathers changes. Types are paired by full name at first. Two that stand at the same place, of which one
// is gone and the other is new, become a pair as well: one type, renamed.
type comparison struct {
	changes      []Change
	newDecls     map[string]decl   // by full name
	toNew, toOld map[string]string // full names of pairs
	renamed      []decl            // old ones that are still to be compared
}

func (c *comparison) add(k Kind, place, text, remedy string) {
	c.changes = append(c.changes, Change{Kind: k, Place: place, Text: text, Remedy: remedy})
}

// A filePair is an old file and its counterpart, nil for none.
type filePair struct{ old, new *schema.File }

func pairFiles(old, new []*schema.File) []filePair {
	byPath, byPackage := map[string]*schema.File{}, map[string]*schema.File{}
	for _, f := range slices.Backward(new) {
		byPath[f.Path], byPackage[f.Package] = f, f
	}
	pairs := make([]filePair, len(old))
	for i, f := range old {
		pairs[i] = filePair{f, cmp.Or(byPath[f.Path], byPackage[f.Package])}
	}
	return pairs
}

// withImports returns the files and all that they import, each once.
func withImports(files []*schema.File) []*schema.File {
	var all []*schema.File
	for queue := files; len(queue) > 0; queue = queue[1:] {
		if f := queue[0]; !slices.Contains(all, f) {
			all = append(all, f)
			queue = append(slices.Clip(queue), f.Imports...)
		}
	}
	return all
}

// pairNames pairs each old type with the new one of the same name. The package of the counterpart stands for that of
// an old file, so that a renamed package is one change and not one for each type.
func (c *comparison) pairNames(pairs []filePair) {
	for _, p := range pairs {
		if p.new == nil {
			continue
		}
		for _, d := range declared(p.old) {
			if name := p.new.Package + "." + d.name; c.newDecls[name].file != nil {
				c.pair(d.fullName(), name)
			}
		}
	}
}

func (c *comparison) pair(old, new string) { c.toNew[old], c.toOld[new] = new, old }

// file compares the services of an old file and those types that are still there under their name.
func (c *comparison) file(p filePair) {
	if p.new == nil {
		c.add(Wire, p.old.Path, "the file is gone, with all that it declares", "keep it")
		return
	}
	if p.old.Package != p.new.Package {
		c.add(Wire, p.old.Package, "the package is now "+p.new.Package+", and with it the full name of every method",
			"keep package "+p.old.Package)
	}
	for _, s := range p.old.Services {
		c.service(s, p.new)
	}
	for _, d := range declared(p.old) {
		if c.toNew[d.fullName()] == p.new.Package+"."+d.name {
			c.decl(d)
		}
	}
}

// gone reports the types of an old file that no new one is the counterpart of.
func (c *comparison) gone(p filePair) {
	for _, d := range declared(p.old) {
		if p.new != nil && c.toNew[d.fullName()] == "" {
			c.add(Source, d.fullName(), "the type is gone", "keep it for those who use it")
		}
	}
}
