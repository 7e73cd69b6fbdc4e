package diag_test

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/diag"
)

func TestString(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text   string
		offset int
		want   string
	}{
		"first line":        {"flaot x\nint y", 0, "a:1:1: wrong\n    flaot x\n    ^\n  help: right"},
		"second line":       {"int x\n flaot y\nint z", 7, "a:1:1: wrong\n     flaot y\n     ^\n  help: right"},
		"tabs stay":         {"\t\tflaot", 2, "a:1:1: wrong\n    \t\tflaot\n    \t\t^\n  help: right"},
		"characters":        {"é flaot", 3, "a:1:1: wrong\n    é flaot\n      ^\n  help: right"},
		"carriage return":   {"int x\r\nint y", 4, "a:1:1: wrong\n    int x\n        ^\n  help: right"},
		"terminal sequence": {"\x1b[2Jx", 4, "a:1:1: wrong\n    ?[2Jx\n        ^\n  help: right"},
		"end of the text":   {"int", 3, "a:1:1: wrong\n    int\n       ^\n  help: right"},
		"empty text":        {"", 0, "a:1:1: wrong\n    \n    ^\n  help: right"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := &diag.Source{Name: "a", Text: test.text}
			got := source.At(diag.Pos{Offset: test.offset, Line: 1, Column: 1}, "wrong", "right").String()
			if got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

// TestLongLine: a line of a megabyte shows as much as helps, whole characters alone.
func TestLongLine(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("é", 1000)
	source := &diag.Source{Name: "a", Text: text}
	for offset := 0; offset < len(text); offset += 2 {
		d := source.At(diag.Pos{Offset: offset, Line: 1, Column: offset/2 + 1}, "wrong", "right")
		if len(d.Source) > 250 || strings.Trim(d.Source, "é") != "" {
			t.Fatalf("at %d: got %q", offset, d.Source)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	list := diag.List{
		{File: "b", Line: 1, Column: 1, Message: "fourth"},
		{File: "a", Line: 2, Column: 1, Message: "third", Warning: true},
		{File: "a", Line: 1, Column: 2, Message: "second"},
		{File: "a", Message: "first"},
	}
	list.Sort()
	for i, want := range []string{"first", "second", "third", "fourth"} {
		if list[i].Message != want {
			t.Errorf("%d: got %s", i, list[i].Message)
		}
	}
	if len(list.Errors()) != 3 || len(list.Warnings()) != 1 || list.Warnings().Err() != nil || list.Err() == nil {
		t.Errorf("got errors %v, warnings %v", list.Errors(), list.Warnings())
	}
	if got := list.Warnings().Error(); got != "a:2:1: warning: third\n    \n    ^" {
		t.Errorf("got %q", got)
	}
}

func TestListIsBounded(t *testing.T) {
	t.Parallel()
	var list diag.List
	for range 2 * diag.Most {
		list.Add(diag.Diagnostic{Message: "wrong"})
	}
	if len(list) != diag.Most+1 || !list.Full() || list[diag.Most].Message != "too many errors" {
		t.Errorf("got %d, the last %v", len(list), list[len(list)-1])
	}
}
