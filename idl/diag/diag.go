// Package diag is what the compiler says of a definition: a message with its place, the source line with a caret
// under the place, and what to write instead.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Most is how many diagnostics the compiler gathers; a last one then says that there are more.
const Most = 1000

// A Pos is a place in a source text. The zero Pos is the place of something that was built by code.
type Pos struct {
	Offset int // in bytes, from 0
	Line   int // from 1
	Column int // in characters, from 1
}

// A Source is a text with the name under which diagnostics show it.
type Source struct {
	Name string
	Text string
}

// At returns an error at a place of the source.
func (s *Source) At(pos Pos, message, remedy string) Diagnostic {
	line, indent := s.excerpt(pos)
	return Diagnostic{
		File: s.Name, Line: pos.Line, Column: pos.Column, Message: message, Remedy: remedy, Source: line,
		Indent: indent,
	}
}

// A Diagnostic is one thing that is wrong, or doubtful, in a definition.
type Diagnostic struct {
	File    string
	Line    int    // from 1; 0 where the whole file is meant
	Column  int    // in characters, from 1
	Message string // what is wrong, with the offending text
	Remedy  string // what to write instead
	Warning bool   // doubtful; the definition compiles
	Source  string // the source line, or of a long one the part around the place
	Indent  string // white space as wide as what stands before the place in Source
}

// Error returns the diagnostic as String does.
func (d Diagnostic) Error() string { return d.String() }

// String renders the diagnostic over several lines, without a line end after the last:
//
//	divide.yodel:1:1: unknown type "flaot"
//	    flaot divide(1:int num1)
//	    ^
//	  help: write float
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", d.Line, d.Column)
	}
	b.WriteString(": ")
	if d.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(d.Message)
	if d.Line > 0 {
		fmt.Fprintf(&b, "\n    %s\n    %s^", d.Source, d.Indent)
	}
	if d.Remedy != "" {
		b.WriteString("\n  help: ")
		b.WriteString(d.Remedy)
	}
	return b.String()
}

// A List is all that the compiler says, in the order of files and places. An empty list means that all is well.
type List []Diagnostic

// Add appends a diagnostic, unless the list already holds Most of them; the last one then says so.
func (l *List) Add(d Diagnostic) {
	if len(*l) > Most {
		return
	}
	if len(*l) == Most {
		d = Diagnostic{File: d.File, Message: "too many errors", Remedy: "correct those above, then run it again"}
	}
	*l = append(*l, d)
}

// Full reports whether the list takes no more.
func (l List) Full() bool { return len(l) > Most }

// Sort puts the list in the order of file names and places.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Errors returns those that keep the definition from compiling.
func (l List) Errors() List { return l.where(false) }

// Warnings returns those that do not keep the definition from compiling.
func (l List) Warnings() List { return l.where(true) }

func (l List) where(warning bool) List {
	var some List
	for _, d := range l {
		if d.Warning == warning {
			some = append(some, d)
		}
	}
	return some
}

// Err returns the errors of the list as one error, nil if there are none.
func (l List) Err() error {
	if errs := l.Errors(); len(errs) > 0 {
		return errs
	}
	return nil
}

// Error renders the whole list.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Unreadable is the diagnostic for a file that was named and cannot be read.
func Unreadable(name string, err error) Diagnostic {
	return Diagnostic{File: name, Message: fmt.Sprintf("cannot be read: %v", err), Remedy: "check the path"}
}
