package golang_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/golang"
	"github.com/yodelrpc/yodel/idl/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden files are Go packages that others use.
func TestGolden(t *testing.T) {
	for _, path := range []string{
		"examples/divide/divide.yodel",
		"internal/everything/common/common.yodel",
		"internal/everything/everything.yodel",
		"internal/constraints/constraints.yodel",
	} {
		t.Run(path, func(t *testing.T) {
			path := "../../../" + path
			got, err := golang.Generate(load(t, path), golang.Options{})
			if err != nil {
				t.Fatal(err)
			}
			golden := path[:len(path)-len(filepath.Ext(path))] + ".go"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not what the generator makes; run go test ./idl/gen/golang -update", golden)
			}
		})
	}
}

// What one line of a definition becomes is short enough to be read.
func TestOneLineStaysShort(t *testing.T) {
	t.Parallel()
	text, err := golang.Generate(load(t, "../../../examples/divide/divide.yodel"), golang.Options{})
	if lines := bytes.Count(text, []byte("\n")); err != nil || lines >= 150 {
		t.Errorf("%d lines, %v; want less than 150", lines, err)
	}
}

// What has no constraints has no code for them, in a definition with others as well.
func TestNothingWithoutConstraints(t *testing.T) {
	t.Parallel()
	text, err := golang.Generate(load(t, "../../../internal/everything/everything.yodel"), golang.Options{})
	for _, word := range []string{"Constraint", "Checker", "wire.Pattern", "regexp"} {
		if err != nil || bytes.Contains(text, []byte(word)) {
			t.Errorf("%v; the code of a definition without constraints has %s in it", err, word)
		}
	}
	text, err = golang.Generate(load(t, "../../../internal/constraints/constraints.yodel"), golang.Options{})
	for _, word := range []string{"Free) Check", "plainArgs) Check", "Result) Check"} {
		if err != nil || bytes.Contains(text, []byte(word)) {
			t.Errorf("%v; a message without constraints has a method for them: %s", err, word)
		}
	}
}

// load checks a definition.
func load(t *testing.T, path string) *schema.File {
	t.Helper()
	files, diagnostics := check.Files(os.ReadFile, path)
	if len(files) != 1 {
		t.Fatal(diagnostics.Err())
	}
	return files[0]
}
