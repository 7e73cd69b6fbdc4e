package python_test

import (
	"flag"
	"os"
	"path/filepath"
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

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, d := range definitions {
		t.Run(d.definition, func(t *testing.T) {
			t.Parallel()
			file := load(t, d.definition)
			got, err := python.Generate(file)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", d.module)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
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
