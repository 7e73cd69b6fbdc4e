package compat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/compat"
	"github.com/yodelrpc/yodel/idl/gen/golang"
	"github.com/yodelrpc/yodel/idl/gen/python"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/testenv"
)

var onlyChange = flag.String("change", "", "try out only the kinds of change whose names contain this")

// A trial is one kind of change that is tried out.
type trial struct {
	kindOfChange
	id       string // "c12"
	old, new *side
	goBreaks string
}

func trials(t *testing.T) []*trial {
	t.Helper()
	var all []*trial
	for _, group := range kindsOfChange {
		for _, change := range group.changes {
			if !strings.Contains(change.name, *onlyChange) {
				continue
			}
			old, new := definition(t, "calc.yodel", change.old)[0], definition(t, "calc.yodel", change.new)[0]
			all = append(all, &trial{
				kindOfChange: change, id: fmt.Sprintf("c%d", len(all)),
				old: newSide(old, old, nil), new: newSide(new, old, change.was),
			})
		}
	}
	return all
}

// TestCompatByDoing tries out each kind of change: programs that were written against the old definition are compiled
// with what is generated for the new one, and old and new programs call each other, in Go and Python. What breaks then
// has to be what compat says.
func TestCompatByDoing(t *testing.T) {
	t.Parallel()
	all := trials(t)
	breaks := map[string]compat.Reach{} // by id
	t.Run("Go", func(t *testing.T) { doInGo(t, all, breaks) })
	t.Run("Python", func(t *testing.T) { doInPython(t, all, breaks) })
	for _, tr := range all {
		t.Logf("%-60s %v", tr.name, breaks[tr.id])
	}
	hasPython := false
	for _, b := range breaks {
		hasPython = hasPython || b&compat.Python != 0
	}
	for _, tr := range all {
		var said compat.Reach
		changes := compat.Compare([]*schema.File{tr.old.file}, []*schema.File{tr.new.file})
		for _, c := range changes {
			said |= c.Reach
		}
		if !hasPython {
			said &^= compat.Python // nobody tried
		}
		if said != breaks[tr.id] {
			t.Errorf("%s breaks %v; compat says that it breaks %v: %v\nold: %s\nnew: %s\n%s", tr.name, breaks[tr.id],
				said, changes,
				tr.kindOfChange.old, tr.kindOfChange.new, tr.goBreaks)
		}
	}
}

// doInGo tries out all in one program.
func doInGo(t *testing.T, all []*trial, breaks map[string]compat.Reach) {
	goTool := testenv.Need(t, "go")
	dir := t.TempDir()
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "go.mod", "module example.test/doing\n\ngo 1.26\n\nrequire github.com/yodelrpc/yodel v0.0.0\n\n"+
		"replace github.com/yodelrpc/yodel => "+repository+"\n")
	put(t, dir, "harness/harness.go", read(t, "testdata/doing/harness/harness.go"))
	var imports, pairs strings.Builder
	for _, tr := range all {
		oldText, newText := generateGo(t, tr.old.file), generateGo(t, tr.new.file)
		for name, texts := range map[string][2]string{
			"old": {oldText, goUser(tr.old)}, "new": {newText, goUser(tr.new)}, "mixed": {newText, goUser(tr.old)},
		} {
			put(t, dir, tr.id+name+"/calc.go", texts[0])
			put(t, dir, tr.id+name+"/user.go", texts[1])
		}
	}
	checker := newTypeChecker(t, goTool, dir)
	for _, tr := range all {
		checker.check(t, tr.id+"old", true)
		checker.check(t, tr.id+"new", true)
		mixed := "nil"
		fmt.Fprintf(&imports, "%[1]sold %[2]q\n%[1]snew %[3]q\n", tr.id, "example.test/doing/"+tr.id+"old",
			"example.test/doing/"+tr.id+"new")
		if err := checker.check(t, tr.id+"mixed", false); err != nil {
			tr.goBreaks = err.Error()
			breaks[tr.id] |= compat.Go
		} else {
			mixed = tr.id + "mixed.DoingUser"
			fmt.Fprintf(&imports, "%smixed %q\n", tr.id, "example.test/doing/"+tr.id+"mixed")
		}
		if tr.waits {
			fmt.Fprintf(&pairs, "waits[%q] = true\n", tr.id)
		}
		fmt.Fprintf(&pairs, "pair(%q, %sold.DoingUser, %[2]snew.DoingUser, %s)\n", tr.id, tr.id, mixed)
	}
	main := read(t, "testdata/doing/main.go.txt")
	main = strings.Replace(main, "import (\n", "import (\n"+imports.String(), 1)
	put(t, dir, "main.go", main+"\nfunc pairs() {\n"+pairs.String()+"}\n")
	out := output(t, dir, nil, goTool, "run", "-trimpath", "-gcflags=example.test/doing/...=-N -l", ".")
	judge(t, "Go", all, breaks, out)
}

func generateGo(t *testing.T, f *schema.File) string {
	t.Helper()
	text, err := golang.Generate(f, golang.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A typeChecker tells whether packages of the module in dir compile, faster than the compiler does.
type typeChecker struct {
	dir  string
	fset *token.FileSet
	from types.Importer
}

func newTypeChecker(t *testing.T, goTool, dir string) *typeChecker {
	t.Helper()
	list := output(t, dir, nil, goTool, "list", "-trimpath", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}",
		"./harness", "github.com/yodelrpc/yodel/rpc", "cmp", "context", "errors", "fmt", "iter", "math", "strconv",
		"time")
	exports := map[string]string{}
	for line := range strings.Lines(string(list)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	c := &typeChecker{dir: dir, fset: token.NewFileSet()}
	c.from = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	return c
}

func (c *typeChecker) check(t *testing.T, pkg string, must bool) error {
	t.Helper()
	var files []*ast.File
	for _, name := range []string{"calc.go", "user.go"} {
		f, err := parser.ParseFile(c.fset, filepath.Join(c.dir, pkg, name), nil, 0)
		if err != nil {
			t.Fatalf("%v\n%s", err, read(t, filepath.Join(c.dir, pkg, name)))
		}
		files = append(files, f)
	}
	_, err := (&types.Config{Importer: c.from}).Check(pkg, c.fset, files, nil)
	if err != nil && must {
		t.Fatalf("%v\n%s", err, read(t, filepath.Join(c.dir, pkg, "user.go")))
	}
	return err
}

// doInPython tries out all in one process. The modules take the runtime from one that all import.
func doInPython(t *testing.T, all []*trial, breaks map[string]compat.Reach) {
	python3 := testenv.Need(t, "python3")
	dir := t.TempDir()
	texts := map[string]string{"base/base.yodel": "package base\nstruct Base {}\n"}
	load := func(path string) ([]byte, error) {
		if text, ok := texts[path]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such file")
	}
	generate := func(path, module string) {
		files, diags := check.Files(load, path)
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		text, err := python.Generate(files[0])
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, module, string(text))
	}
	generate("base/base.yodel", "base/base.py")
	var cases []map[string]string
	for _, tr := range all {
		for name, text := range map[string]string{"old": tr.kindOfChange.old, "new": tr.kindOfChange.new} {
			pkg, rest, ok := strings.Cut(text, "\n")
			if !ok || !strings.HasPrefix(pkg, "package ") {
				pkg, rest = "package calc", text
			}
			texts["calc.yodel"] = pkg + "\nimport \"base/base.yodel\"\n" + rest
			generate("calc.yodel", tr.id+"_"+name+".py")
		}
		cases = append(cases, map[string]string{"name": tr.id, "old": pythonUser(tr.old), "new": pythonUser(tr.new),
			"waits": map[bool]string{true: "yes"}[tr.waits]})
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "run.py", read(t, "testdata/doing/run.py"))
	judge(t, "Python", all, breaks, output(t, dir, input, python3, "run.py"))
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// output runs a program without network, and returns what it prints.
func output(t *testing.T, dir string, input []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "PYTHONDONTWRITEBYTECODE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, stderr.Bytes()[:min(stderr.Len(), 5000)])
	}
	return out
}
