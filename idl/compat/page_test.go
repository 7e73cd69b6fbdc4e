package compat_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/compat"
)

var update = flag.Bool("update", false, "write the table of docs/language.md anew")

// The page's table of changes is what Compare says of each kind of change, which TestCompatByDoing holds to what
// happens.
func TestPage(t *testing.T) {
	t.Parallel()
	const page, begin, end = "../../docs/language.md",
		"<!-- The table is made by go test ./idl/compat -update. -->\n\n",
		"\n<!-- The end of the table. -->\n"
	text := read(t, page)
	before, rest, ok := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + begin + table(t) + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != want {
		t.Errorf("the table of %s is not that of the tests; run go test ./idl/compat -run Page -update", page)
	}
}

func table(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| change | Go | Python | basic | JSON | mux | meaning |\n|---|---|---|---|---|---|---|\n")
	for _, group := range kindsOfChange {
		b.WriteString("| **" + group.title + "** | | | | | | |\n")
		for _, change := range group.changes {
			var reach compat.Reach
			for _, c := range compat.Compare(definition(t, "calc.yodel", change.old),
				definition(t, "calc.yodel", change.new)) {
				reach |= c.Reach
			}
			b.WriteString("| " + strings.NewReplacer("T?", "`T?`", "list<T>", "`list<T>`").Replace(change.name) + " |")
			for one := compat.Go; one <= compat.Meaning; one <<= 1 {
				b.WriteString(map[bool]string{true: " breaks |", false: " |"}[reach&one != 0])
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
