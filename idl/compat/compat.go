// Package compat says what a new version of a definition breaks for those who were built from the old one.
//
// Compare takes the checked schemas of both. Each change that it returns says whom it breaks. What breaks is what
// happens if programs that were written against one definition are compiled with the code of the other, or call each
// other and use all that their definition has: a new field breaks the basic protocol, which has no way to skip it. The
// tests try out each kind of change, and hold what Compare says to what happens.
package compat

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/gen/golang"
	"github.com/yodelrpc/yodel/idl/schema"
)

// Reach says whom a change breaks, as a set.
type Reach uint

// Whom a change can break.
const (
	Go      Reach = 1 << iota // programs in Go that use the generated code: they do not compile, or do something else
	Python                    // programs in Python that use the generated code, which shows when they run
	Basic                     // old and new programs that call each other over the basic protocol
	JSON                      // old and new programs that call each other over the line protocol or HTTP
	Mux                       // old and new programs that call each other over mux
	Meaning                   // nobody: all is understood, and means something else than before

	Source = Go | Python
	Wire   = Basic | JSON | Mux
)

var reachNames = []string{"go", "python", "basic", "json", "mux", "meaning"}

// String returns the names of the set: "go, python, basic, json, mux, meaning".
func (r Reach) String() string {
	var names []string
	for i, name := range reachNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// ParseReach is the inverse of String.
func ParseReach(text string) (Reach, error) {
	var r Reach
	for name := range strings.SplitSeq(text, ",") {
		i := slices.Index(reachNames, strings.TrimSpace(name))
		if i < 0 {
			return 0, fmt.Errorf("%q is none of %s", strings.TrimSpace(name), strings.Join(reachNames, ", "))
		}
		r |= 1 << i
	}
	return r, nil
}

// A Change is one difference that breaks something.
type Change struct {
	Reach  Reach
	Place  string // in the old definition, where there is one: "calc.Point.y", "calc.Calculator.divide.num2"
	Text   string // what changed and what that breaks
	Remedy string // how to get there without a break; empty where nothing helps
}

// String returns the change over one or two lines, without a line end after the last.
func (c Change) String() string {
	s := fmt.Sprintf("%s: %s: %s", c.Reach, c.Place, c.Text)
	if c.Remedy != "" {
		s += "\n  help: " + c.Remedy
	}
	return s
}

// Compare returns what the new files break of the old ones, imports included. A file's counterpart is the one with the
// same path, else the one with the same package; a single old file and a single new one are counterparts anyway.
func Compare(old, new []*schema.File) []Change {
	c := &comparison{newDecls: map[string]decl{}, toNew: map[string]string{}, toOld: map[string]string{}}
	c.asked, c.used = uses(withImports(old), withImports(new))
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
	asked, used  map[string]bool   // the types that parameters have in them, and those that anything has
}

// inRequests returns reach for a type that is sent to servers, which refuse what they do not know in JSON: parameters
// have it in them, or nothing has, so that nobody knows. Clients skip what they do not know in answers.
func (c *comparison) inRequests(place string, reach Reach) Reach {
	if c.used[place] && !c.asked[place] {
		return 0
	}
	return reach
}

func (c *comparison) add(r Reach, place, text, remedy string) {
	c.changes = append(c.changes, Change{Reach: r, Place: place, Text: text, Remedy: remedy})
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
		c.add(Source|Wire, p.old.Path, "the file is gone, with all that it declares", "keep it")
		return
	}
	if p.old.Package != p.new.Package {
		c.add(Go|Mux, p.old.Package, "the package is now "+p.new.Package+
			", and with it the full names of methods, by which mux calls them", "keep package "+p.old.Package)
	}
	c.goNames(p)
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

// goNames reports what generated Go calls otherwise because of a name that has come, gone or moved: an option has a
// short name where nothing else wants it.
func (c *comparison) goNames(p filePair) {
	was, is := golang.Names(p.old), golang.Names(p.new)
	for _, what := range slices.Sorted(maps.Keys(was)) {
		name, ok := is[what]
		switch {
		case ok && name != was[what]:
			c.add(Go, p.old.Package, fmt.Sprintf("%s was %s in Go, and is now %s", what, was[what], name),
				"declare what is new, or has the same name, behind it, or call it otherwise")
		case !ok && strings.HasPrefix(what, "the constructor of ") && c.staysWithoutDefaults(p, what):
			c.add(Go, p.old.Package, fmt.Sprintf("%s, %s, is gone with the last default", what, was[what]),
				"keep a default")
		}
	}
}

// staysWithoutDefaults reports whether a type whose constructor is gone is there still.
func (c *comparison) staysWithoutDefaults(p filePair, constructor string) bool {
	name := constructor[strings.LastIndexByte(constructor, ' ')+1:]
	return c.toNew[p.old.Package+"."+name] == p.new.Package+"."+name
}
