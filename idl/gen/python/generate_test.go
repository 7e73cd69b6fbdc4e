package python_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/python"
	"github.com/yodelrpc/yodel/idl/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// definitions are those of testdata, with the modules that are made of them.
var definitions = []struct{ definition, module string }{
	{"divide.yodel", "divide.py"},
	{"../../../../protocol/basic/testdata/every.yodel", "every.py"},
	{"hostile.yodel", "hostile.py"},
	{"common.yodel", "common.py"},
	{"shop/orders.yodel", "shop/orders.py"},
	{"../../../../internal/secrets/secrets.yodel", "vault.py"},
	{"../../../../internal/constraints/constraints.yodel", "checked.py"},
	{"../../../../internal/interop/feeds/feeds.yodel", "feeds.py"},
}

// load returns the schema of a definition in testdata.
func load(tb testing.TB, definition string) *schema.File {
	tb.Helper()
	files, diags := check.Files(func(path string) ([]byte, error) {
		return os.ReadFile(filepath.Join("testdata", path))
	}, definition)
	if err := diags.Err(); err != nil {
		tb.Fatalf("check %s: %v", definition, err)
	}
	return files[0]
}

// generate returns the module that is made of a definition in testdata.
func generate(tb testing.TB, definition string) string {
	tb.Helper()
	module, err := python.Generate(load(tb, definition))
	if err != nil {
		tb.Fatal(err)
	}
	return string(module)
}

// modules writes all modules to a folder, which it returns.
func modules(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, d := range definitions {
		path := filepath.Join(dir, d.module)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(generate(tb, d.definition)), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// cutRuntime takes out of a module what is the same in all of them, for golden files show what differs. A module that
// imports others takes the runtime from them.
func cutRuntime(tb testing.TB, module string) (rest, runtime string) {
	tb.Helper()
	before, after, found := strings.Cut(module, "# What follows is the same in every module")
	if !found {
		return module, ""
	}
	runtime, tables, found := strings.Cut(after, "# --- Tables: ")
	if !found {
		tb.Fatal("a module with a runtime has no tables behind it")
	}
	return before + "# The runtime stands here.\n\n\n# --- Tables: " + tables, runtime
}

// TestOneRuntime holds that the runtime is the same in every module that has one.
func TestOneRuntime(t *testing.T) {
	t.Parallel()
	_, want := cutRuntime(t, generate(t, "divide.yodel"))
	if len(want) < 10_000 {
		t.Fatalf("the runtime has only %d bytes", len(want))
	}
	for _, d := range definitions {
		if _, got := cutRuntime(t, generate(t, d.definition)); got != "" && got != want {
			t.Errorf("%s has another runtime than divide.py", d.module)
		}
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, d := range definitions {
		t.Run(d.definition, func(t *testing.T) {
			t.Parallel()
			got, _ := cutRuntime(t, generate(t, d.definition))
			golden := filepath.Join("testdata/golden", d.module)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is not what is generated now; see the difference after go test -update", golden)
			}
		})
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"divide.yodel":      "divide.py",
		"calc/divide.yodel": "calc/divide.py",
		"json.yodel":        "json_yodel.py",
		"a/class.yodel":     "a/class_yodel.py",
		"my-calc.yodel":     "my_calc.py",
		"2fast.yodel":       "_2fast.py",
	}
	for definition, want := range tests {
		t.Run(definition, func(t *testing.T) {
			t.Parallel()
			if got := python.FileName(definition); got != want {
				t.Errorf("FileName(%q) = %q, want %q", definition, got, want)
			}
		})
	}
}

func TestNoPath(t *testing.T) {
	t.Parallel()
	if _, err := python.Generate(&schema.File{Package: "divide"}); err == nil {
		t.Error("a definition without a path gave a module, want an error")
	}
}
