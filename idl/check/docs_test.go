package check_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// TestReferenceExample checks and formats the example of docs/language.md.
func TestReferenceExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "## A definition by example\n\n")
	text, _, found := strings.Cut(text, "\n## ")
	if !found {
		t.Fatal("the page has no example")
	}
	text = strings.ReplaceAll("\n"+text, "\n    ", "\n")
	dir := fstest.MapFS{
		"calc.yodel":          {Data: []byte(text)},
		"common/common.yodel": {Data: []byte("enum Color { RED = 0 }")},
	}
	if _, diags := check.Files(loader(dir), "calc.yodel"); len(diags) > 0 {
		t.Error(diags.Error())
	}
	formatted, err := syntax.Format("calc.yodel", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if squeeze(string(formatted)) != squeeze(text) {
		t.Errorf("the example is not in the one style, but for the space before comments; it would be\n%s", formatted)
	}
}

// squeeze drops the space that aligns comments.
func squeeze(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, line := range lines {
		if before, comment, ok := strings.Cut(line, " //"); ok && strings.TrimSpace(before) != "" {
			lines[i] = strings.TrimRight(before, " ") + " //" + comment
		}
	}
	return strings.Join(lines, "\n")
}
