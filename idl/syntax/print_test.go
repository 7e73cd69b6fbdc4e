package syntax_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/syntax"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFormat compares each definition in testdata/format, formatted, with the .golden file beside it, and formats that
// again, which changes nothing.
func TestFormat(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/format/*.yodel")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d definitions, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := format(t, src)
			if *update {
				if err := os.WriteFile(path+".golden", got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if again := format(t, got); string(again) != string(got) {
				t.Errorf("formatted again:\n%s\nonce:\n%s", again, got)
			}
		})
	}
}

func format(t *testing.T, src []byte) []byte {
	t.Helper()
	text, err := syntax.Format("a.yodel", src)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, src)
	}
	return text
}

func TestFormatRefusesErrors(t *testing.T) {
	t.Parallel()
	text, err := syntax.Format("a.yodel", []byte("struct {"))
	if text != nil || err == nil || !strings.HasPrefix(err.Error(), "a.yodel:1:8: expected the name of the struct") {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestCommentsAreKept puts comments and line ends between random tokens of definitions: wherever one stands, it is
// still there after printing, and what was printed parses to the same tree.
func TestCommentsAreKept(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/format/*.yodel")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(300) {
			text, comments := sprinkle(string(src), rand.New(rand.NewPCG(seed, 1)))
			checkRoundTrip(t, fmt.Sprintf("%s with seed %d", path, seed), text, comments)
		}
	}
}

var tokens = regexp.MustCompile(`//[^\n]*|"(?:[^"\\\n]|\\.)*"|[-\w.]+|=>|[^\s\w]|\n`)

// sprinkle returns a definition with comments and blank lines at some of the places where they change nothing: not
// before what has to stand on the line of the token before it.
func sprinkle(src string, random *rand.Rand) (text string, comments []string) {
	var b strings.Builder
	before := ""
	for _, token := range tokens.FindAllString(src, -1) {
		sameLine := before == "=" || before == "@" || before == "(" || before == "," || before == "reserved"
		if strings.HasPrefix(before, "//") || token == "\n" {
			b.WriteString("\n")
		} else if random.IntN(8) == 0 && !sameLine {
			c := fmt.Sprintf("// comment %d", len(comments))
			comments = append(comments, c)
			b.WriteString(strings.Repeat("\n", random.IntN(3)) + c + strings.Repeat("\n", 1+random.IntN(2)))
		}
		if token != "\n" {
			b.WriteString(" " + token)
		}
		before = token
	}
	return b.String() + "\n", comments
}

func checkRoundTrip(t *testing.T, name, text string, comments []string) {
	t.Helper()
	first, diags := syntax.Parse(name, []byte(text))
	if len(diags) > 0 {
		t.Fatalf("%s\nin\n%s", diags.Error(), text)
	}
	printed := syntax.Print(first)
	for _, c := range comments {
		if n := strings.Count(string(printed)+"\n", c+"\n") + strings.Count(string(printed), c+" //"); n != 1 {
			t.Fatalf("%s: %q is there %d times in\n%s\nprinted from\n%s", name, c, n, printed, text)
		}
	}
	second, diags := syntax.Parse(name, printed)
	if len(diags) > 0 {
		t.Fatalf("%s\nin\n%s", diags.Error(), printed)
	}
	dropPlaces(reflect.ValueOf(first))
	dropPlaces(reflect.ValueOf(second))
	if !reflect.DeepEqual(first, second) {
		t.Fatalf("%s: the tree changed:\n%s\nprinted from\n%s", name, printed, text)
	}
}

// TestPrintBuiltTree prints a tree that no text gave.
func TestPrintBuiltTree(t *testing.T) {
	t.Parallel()
	name := func(s string) syntax.Name { return syntax.Name{Text: s} }
	number := func(s string) *syntax.Value { return &syntax.Value{Kind: syntax.Int, Text: s} }
	word := &syntax.Field{
		Number: number("1"), Type: &syntax.Type{Name: name("string")}, Name: name("word"),
		Default: &syntax.Value{Kind: syntax.String, Text: syntax.Quote("a \"b\"\n\x00é")},
	}
	f := &syntax.File{
		Package: &syntax.Package{Name: name("built")},
		Decls: []syntax.Item{
			&syntax.Message{
				Node:    syntax.Node{Gap: true, Before: []syntax.Comment{{Text: " Built.", Gap: true}, {Text: ""}}},
				Keyword: "struct", Name: name("A"), Body: syntax.Block{Items: []syntax.Item{word}},
			},
			&syntax.Method{Name: name("say"), Params: syntax.Block{Items: []syntax.Item{word}, OneLine: true}},
		},
	}
	want := `package built

// Built.
//

struct A {
  1: string word = "a \"b\"\n\x00é"
}
void say(1:string word="a \"b\"\n\x00é")
`
	if got := string(syntax.Print(f)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
