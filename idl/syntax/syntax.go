// Package syntax turns the text of a definition into a tree and a tree into text.
//
// Parse reads a whole text, whatever is wrong with it, and reports every error with its place and what to write
// instead. Print writes a tree in the one style of the language, and Format does both. For a tree that parses,
// Parse(Print(tree)) is the same tree, but for positions, and comments are never lost. What names mean, and whether a
// default fits its type, is for package check.
package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/idl/diag"
)

// MaxSize is the size in bytes of the largest text that Parse takes.
const MaxSize = 1 << 20

// MaxDepth is how deep types may nest in each other: map<string, int> has depth 2.
const MaxDepth = 16

// Parse reads a definition; name is the file name that diagnostics show. The tree holds what could be read, and is
// never nil. The text is well-formed if the list is empty.
func Parse(name string, src []byte) (*File, diag.List) {
	source := &diag.Source{Name: name, Text: strings.TrimPrefix(string(src), "\ufeff")}
	var diags diag.List
	if d, ok := unreadable(source); ok {
		diags.Add(d)
		return &File{Source: source}, diags
	}
	p := &parser{source: source, tokens: lex(source, &diags), diags: &diags}
	file := p.file()
	diags.Sort()
	return file, diags
}

// Format returns a definition in the one style. A text with errors is not formatted; the error is a diag.List.
func Format(name string, src []byte) ([]byte, error) {
	file, diags := Parse(name, src)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	return Print(file), nil
}

// unreadable returns what keeps a text from being read at all.
func unreadable(source *diag.Source) (diag.Diagnostic, bool) {
	if len(source.Text) > MaxSize {
		return diag.Diagnostic{
			File:    source.Name,
			Message: fmt.Sprintf("the file has %d bytes, which is more than %d", len(source.Text), MaxSize),
			Remedy:  "divide it, and import one file from the other",
		}, true
	}
	if utf8.ValidString(source.Text) {
		return diag.Diagnostic{}, false
	}
	offset := strings.IndexFunc(strings.ToValidUTF8(source.Text, "\x00"), func(r rune) bool { return r == 0 })
	before := source.Text[:offset]
	line := strings.LastIndexByte(before, '\n') + 1
	pos := Pos{Offset: offset, Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[line:]) + 1}
	return source.At(pos, "the text is not UTF-8", "save the file as UTF-8"), true
}
