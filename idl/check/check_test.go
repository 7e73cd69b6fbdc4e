package check_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestErrors compares what is said of each definition in testdata/errors with the .txt file beside it. A directory is
// one case: its main.yodel, and what that imports.
func TestErrors(t *testing.T) {
	t.Parallel()
	dir := os.DirFS("testdata/errors")
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path, isFile := strings.CutSuffix(e.Name(), ".yodel")
		if !e.IsDir() && !isFile {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			source := e.Name()
			if e.IsDir() {
				source += "/main.yodel"
			}
			files, diags := check.Files(loader(dir), source)
			if diags.Err() == nil != (files != nil) {
				t.Errorf("got %d files along with these diagnostics", len(files))
			}
			golden(t, filepath.Join("testdata/errors", path+".txt"), diags.Error()+"\n")
		})
	}
}

func loader(dir fs.FS) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) { return fs.ReadFile(dir, path) }
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// one checks a single definition that has no errors.
func one(t *testing.T, name, text string) *schema.File {
	t.Helper()
	dir := fstest.MapFS{name: {Data: []byte(text)}}
	files, diags := check.Files(loader(dir), name)
	if len(diags) > 0 {
		t.Fatal(diags.Error())
	}
	return files[0]
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	f := one(t, "divide.yodel", "float divide(1:int num1, 2:int num2=1) => InvalidOperation\n")
	if f.Package != "divide" || len(f.Services) != 1 || f.Services[0].Name != "Divide" || !f.Services[0].Own {
		t.Fatalf("got package %s, services %+v", f.Package, f.Services)
	}
	m := f.Services[0].Methods[0]
	if m.Name != "divide" || m.Result.Kind != schema.Float || len(m.Params) != 2 || !m.Params[0].Required ||
		m.Params[1].Required || m.Params[1].Default.Int != 1 {
		t.Errorf("got %+v", m)
	}
	e := m.Exceptions[0]
	if !e.Implied || e.Name != "InvalidOperation" || e.Code != schema.DefaultCode || len(f.Exceptions) != 1 ||
		f.Exceptions[0] != e || e.Fields[0].Default.String != "invalid operation" {
		t.Errorf("got %+v", e)
	}
}
