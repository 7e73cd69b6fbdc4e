package golang_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/golang"
)

func TestImportPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "// A comment.\nmodule \"example.test/calc\" // another\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "nothing", "go.mod"), "go 1.26\n")
	for from, want := range map[string]string{
		".": "example.test/calc", "geo": "example.test/calc/geo", "geo/shapes": "example.test/calc/geo/shapes",
	} {
		if got, err := golang.ImportPath(filepath.Join(dir, from)); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", from, got, err, want)
		}
	}
	_, err := golang.ImportPath(filepath.Join(dir, "nothing"))
	if err == nil || !strings.Contains(err.Error(), "names no module") {
		t.Errorf("a go.mod without a module: %v", err)
	}
	if _, err := golang.ImportPath("/nowhere"); err == nil || !strings.Contains(err.Error(), "run go mod init") {
		t.Errorf("no go.mod: %v", err)
	}
}

// Files of one directory are one package: what one declares, the other does not import.
func TestSameDirectory(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"geo/points.yodel": "package geo\nstruct Point { 1: double x = 0.5 }\n" +
			"string show(1: Point point, 2: int digits = 2)\n",
		"geo/lines.yodel": "package geo\nimport \"points.yodel\"\nstruct Line { 1: Point from, 2: Point to }\n" +
			"string draw(1: Line line, 2: int digits = 3)\n",
	}
	load := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	schemas, diagnostics := check.Files(load, "geo/lines.yodel")
	if len(schemas) != 1 {
		t.Fatal(diagnostics.Err())
	}
	text, err := golang.Generate(schemas[0], golang.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"*m = NewLine()", "Line{From: NewPoint(), To: NewPoint()}", "type LinesHandler interface",
		"func LinesDrawDigits(v int32)",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// A name that two files of a directory would both declare is an error that says what to rename.
func TestNamesOfTheFilesBeside(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"shop/shop.yodel":  "package shop\nvoid users_get(1: int users_get_limit = 1)\n",
		"shop/users.yodel": "package shop\nvoid get(1: int limit = 1)\n",
	}
	schemas, diagnostics := check.Files(func(path string) ([]byte, error) { return []byte(files[path]), nil },
		"shop/shop.yodel", "shop/users.yodel")
	if len(schemas) != 2 {
		t.Fatal(diagnostics.Err())
	}
	_, err := golang.Generate(schemas[0], golang.Options{Beside: schemas})
	const want = "shop/shop.yodel: the option users_get_limit of Shop.users_get and the option limit of Users.get in " +
		"shop/users.yodel would both be UsersGetLimit in the generated Go; rename one of them"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	for definition, want := range map[string]string{
		"divide.yodel": "divide.go", "calc/divide.yodel": "calc/divide.go", "x_test.yodel": "x_test_yodel.go",
		"a_linux.yodel": "a_linux_yodel.go", "linux.yodel": "linux.go", "_x.yodel": "yodel_x.go",
		"a_windows_amd64.yodel": "a_windows_amd64_yodel.go", "user_store.yodel": "user_store.go",
	} {
		if got := golang.FileName(definition); got != want {
			t.Errorf("FileName(%q) = %q, want %q", definition, got, want)
		}
	}
}
