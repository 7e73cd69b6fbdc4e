package python_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/python"
	"github.com/yodelrpc/yodel/idl/syntax"
	"github.com/yodelrpc/yodel/internal/testenv"
)

var patterns = []string{
	`a`, `^a`, `a$`, `^$`, `^a*$`, `^(a|b)+c?$`, `a.c`, `(?s)a.c`, `^\d{2,3}$`, `^[^a-c]+$`, `\bfoo\b`, `\Bo`,
	`(?i)straße`, `(?i)k`, `^\pL+$`, `^\p{Greek}$`, `[[:alpha:]]+[[:digit:]]`, `(?m)^b$`, `(?m)a$`, `\Aa`, `a\z`,
	`^\x{1F600}$`, `\w+@\w+`,
	`^(?:(?:a*)*)*$`, `x{0}`, `^x{0,2}$`, `()`, `a|`, `[^\x00-\x{10FFFF}]`, `\Q.*\E`, `(?U)a+`, `^(?P<n>a)$`, `\s`,
	`^[a-z]+$`, `^"\\"$`, `(a+)+$`, `\n`, `^é+$`, `(?-s).`, `(?im)^foo$`, `^\W$`, `[\d\-x]`, `^(foo|bar|foobar)$`,
}

var texts = []string{
	"", "a", "b", "ab", "aaa", "abcabc", "ac", "axc", "a\nc", "a\n", "\na", "b\na", "a\nb\nc", "12", "123", "1234",
	"١٢", "foo", "a foo b", "foobar", "xfoo", "STRASSE", "Straße", "STRAẞE", "K", "k", "\u212a", "éa", "αβ", "α", "😀",
	"me@home",
	".*", "\"\\\"", "é", "éé", "e\u0301", "\x00", " ", "\u00a0", "\t", "-", "x", "xx", "xxx", "FOO", "Foo\nbar",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
}

// TestPatterns holds that patterns match in Python what they match in Go.
func TestPatterns(t *testing.T) {
	t.Parallel()
	python3 := testenv.Need(t, "python3")
	var text strings.Builder
	text.WriteString("struct A {\n")
	for i, p := range patterns {
		fmt.Fprintf(&text, "@pattern(%s) %d: string s%d\n", syntax.Quote(p), i+1, i+1)
	}
	text.WriteString("}\n")
	files, diags := check.Files(func(string) ([]byte, error) { return []byte(text.String()), nil }, "a.yodel")
	for _, d := range diags {
		if !d.Warning {
			t.Fatal(d)
		}
	}
	module, err := python.Generate(files[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.py"), module, 0o600); err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	program := `import a, json, sys
texts = json.load(sys.stdin)
print(json.dumps([[field.constraints.pattern.matches(text) for text in texts + texts][len(texts):]
                  for field in a._type_A.fields]))`
	cmd := exec.CommandContext(t.Context(), python3, "-B", "-c", program)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got [][]bool
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(patterns) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, p := range patterns {
		re := regexp.MustCompile(p)
		for j, text := range texts {
			if want := re.MatchString(text); got[i][j] != want {
				t.Errorf("%s and %q: %t in Python, want %t", p, text, got[i][j], want)
			}
		}
	}
}
