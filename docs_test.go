package yodel_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/golang"
)

// snippetPackages are the packages that the pages' Go names without an import.
var snippetPackages = map[string]string{
	"auth":        module + "/intercept/auth",
	"authz":       module + "/intercept/authz",
	"check":       module + "/idl/check",
	"compress":    module + "/compress",
	"divide":      module + "/examples/divide",
	"dynamic":     module + "/dynamic",
	"gzip":        module + "/compress/gzip",
	"orders":      "snippets/orders", // of ordersDefinition
	"s2":          module + "/compress/s2",
	"zstd":        module + "/compress/zstd",
	"resolve":     module + "/resolve",
	"rpc":         module + "/rpc",
	"toyprotocol": module + "/examples/toyprotocol",
	"wire":        module + "/wire",
	"yodel":       module,

	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "io": "io", "iter": "iter",
	"log": "log", "net": "net", "os": "os",
	"signal": "os/signal", "slog": "log/slog", "syscall": "syscall",
	"atomic": "sync/atomic", "synctest": "testing/synctest", "testing": "testing", "time": "time", "tls": "crypto/tls",
}

// ordersDefinition is what docs/language.md speaks of without showing it in one piece.
const ordersDefinition = `
struct Item { 1: string name, 2: int count = 1 }
struct Card { 1: string number }
union Payment { 1: Card card, 2: long cash }
struct Order { 1: Payment payment }
void place(1: Item item, 2: Order order)
`

// A snippet is a block of Go on a page.
type snippet struct {
	place string // file:line
	text  string
	given string // parameters and results of the function that statements are in
}

// TestDocsCompile vets the Go of README.md and of all pages: a whole file as it is; declarations, which the later
// blocks of the page know, too; and statements, in a function of their own. What statements take for granted stands in
// a comment above the block: <!-- given: ctx context.Context, client *divide.Client; returns (any, error) -->, which
// pages of HTML do not show.
func TestDocsCompile(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	protocols, _ := filepath.Glob("protocol/*/PROTOCOL.md")
	pages = append(append(pages, protocols...), "README.md", "CONTRIBUTING.md", "SECURITY.md")
	dir := t.TempDir()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"),
		"module snippets\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\n"+compressors(t)+
			"\n\nreplace "+module+" => "+root+"\n")
	copySums(t, dir)
	write(t, filepath.Join(dir, "orders/orders.go"), generateOrders(t))
	found := 0
	for _, page := range pages {
		declared := ""
		for _, s := range snippetsOf(t, page) {
			found++
			text, declares := s.file(t, declared)
			declared += declares
			if text != "" {
				write(t, filepath.Join(dir, regexp.MustCompile(`\W`).ReplaceAllString(s.place, "_"), "snippet.go"),
					text)
			}
		}
	}
	if found < 10 {
		t.Errorf("found only %d blocks of Go", found)
	}
	vet := exec.Command("go", "vet", "./...")
	vet.Dir = dir
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// compressors returns the line of go.mod for what the codecs of the pages need.
func compressors(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`github.com/klauspost/compress v\S+`).Find(mod)
	if line == nil {
		t.Fatal("go.mod does not have github.com/klauspost/compress")
	}
	return "require " + string(line)
}

func copySums(t *testing.T, dir string) {
	t.Helper()
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func generateOrders(t *testing.T) string {
	t.Helper()
	read := func(string) ([]byte, error) { return []byte(ordersDefinition), nil }
	files, diags := check.Files(read, "orders.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	text, err := golang.Generate(files[0], golang.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var goBlock = regexp.MustCompile("(?m)(?:^<!-- given: (.*) -->\n)?^```go\n((?s:.*?))^```$")

func snippetsOf(t *testing.T, page string) []snippet {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []snippet
	for _, at := range goBlock.FindAllSubmatchIndex(text, -1) {
		s := snippet{text: string(text[at[4]:at[5]])}
		s.place = fmt.Sprintf("%s:%d", page, 1+strings.Count(string(text[:at[4]]), "\n"))
		if at[2] >= 0 {
			s.given = string(text[at[2]:at[3]])
		}
		all = append(all, s)
	}
	return all
}

// file returns the snippet as a file, and what it declares for those behind it. A program of README.md's module is
// none: TestReadme of the tool builds that.
func (s snippet) file(t *testing.T, declared string) (text, declares string) {
	t.Helper()
	if strings.HasPrefix(s.text, "package ") {
		if strings.Contains(s.text, `"hello/`) {
			return "", ""
		}
		return s.text, ""
	}
	body := declared + "\n" + s.text
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+s.text, 0); err == nil {
		declares = s.text
	} else {
		body = declared + "\n" + s.inFunction(t)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+body, 0)
	if err != nil {
		t.Errorf("%s: %v", s.place, err)
		return "", ""
	}
	imports := ""
	for _, name := range unresolved(file) {
		if path, ok := snippetPackages[name]; ok {
			imports += fmt.Sprintf("import %s %q\n", name, path)
		}
	}
	return "package p\n" + imports + "//line " + s.place + "\n" + body, declares
}

// inFunction returns a function with the statements, which uses all that they declare.
func (s snippet) inFunction(t *testing.T) string {
	t.Helper()
	params, results, _ := strings.Cut(s.given, "; returns ")
	head := fmt.Sprintf("func _(%s) %s {\n", params, results)
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+head+s.text+"}\n", 0)
	if err != nil {
		t.Errorf("%s: %v", s.place, err)
		return ""
	}
	text := head + s.text
	for _, name := range defined(file.Decls[0].(*ast.FuncDecl).Body) {
		text += "_ = " + name + "\n"
	}
	if results != "" {
		text += "panic(0)\n"
	}
	return text + "}\n"
}

// defined returns the names that a block's own statements define.
func defined(block *ast.BlockStmt) []string {
	var names []string
	for _, s := range block.List {
		a, ok := s.(*ast.AssignStmt)
		if !ok || a.Tok != token.DEFINE {
			continue
		}
		for _, e := range a.Lhs {
			if name := e.(*ast.Ident).Name; name != "_" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func unresolved(file *ast.File) []string {
	var names []string
	for _, id := range file.Unresolved {
		if !slices.Contains(names, id.Name) {
			names = append(names, id.Name)
		}
	}
	return names
}
