package yodel_test

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/yodelrpc/yodel"

// layers says what each package may import besides the standard library, tests aside: imports run one way, from the
// program to the root to the protocols to rpc to wire, and siblings, the compiler and the runtime never meet. Packages
// are named by their folders, the root by "."; a name that ends in /... means all packages below, and those outside the
// module are named by the beginning of their paths. The first row that fits a package counts.
var layers = []layer{
	// The runtime.
	{"internal/linger", nil},
	{"internal/nearest", nil},
	{"wire", []string{"internal/nearest"}},
	{"compress/s2", []string{"compress", "github.com/klauspost/compress/"}},
	{"compress/zstd", []string{"compress", "github.com/klauspost/compress/"}},
	{"compress/...", []string{"compress"}}, // a leaf; what nobody passes in is not linked
	{"rpc", []string{"compress", "internal/nearest", "wire"}},
	{"dynamic", []string{"idl/schema", "internal/nearest", "rpc", "wire"}},      // of the compiler the plain data alone
	{"protocol/internal/pipelinetest", []string{"internal/...", "rpc", "wire"}}, // only tests use it
	{"protocol/internal/...", []string{"internal/linger", "protocol/internal/...", "rpc", "wire"}},
	{"protocol/mux", []string{"compress", "protocol/internal/...", "protocol/mux/internal/...", "rpc", "wire"}},
	{"protocol/mux/internal/flow", nil},
	{"protocol/mux/internal/packing", []string{"compress", "protocol/mux/internal/frame", "rpc", "wire"}},
	{"protocol/mux/internal/frame", []string{"rpc"}},
	{"protocol/mux/internal/transport", []string{"protocol/mux/internal/flow", "protocol/mux/internal/frame", "rpc",
		"wire"}},
	{"protocol/mux/internal/stream", []string{"protocol/mux/internal/...", "rpc", "wire"}},
	{"protocol/web", []string{"compress", "internal/linger", "protocol/internal/...", "rpc", "wire"}},
	{"protocol/...", []string{"internal/linger", "protocol/internal/...", "rpc", "wire"}}, // siblings never meet
	{"link", []string{"rpc"}},
	{"resolve/...", []string{"resolve"}},
	// a balancer sees the servers that a resolver tells of
	{"balance/...", []string{"balance", "resolve", "rpc"}},
	{"intercept/ratelimit", []string{"intercept/auth", "rpc", "golang.org/x/time/"}}, // callers are identities
	{"intercept/authz", []string{"intercept/auth", "rpc"}},                           // rules are about identities
	// siblings never meet; what nobody passes in is not linked
	{"intercept/...", []string{"rpc", "wire"}},
	{"internal/peercred", []string{"rpc"}},
	{"internal/supervise", []string{"rpc"}},
	{".", []string{"balance/...", "compress", "internal/linger", "internal/peercred", "internal/supervise", "link",
		"protocol/...", "resolve/...", "rpc", "wire"}},

	// The compiler.
	{"idl/diag", nil},
	{"idl/syntax", []string{"idl/diag"}},
	{"idl/schema", nil},
	{"idl/check", []string{"idl/diag", "idl/schema", "idl/syntax"}},
	{"idl/compat", []string{"idl/gen/golang", "idl/schema", "idl/syntax"}},
	{"idl/gen/...", []string{"idl/schema", "google.golang.org/protobuf/"}},

	// Programs, and what only tests use.
	{"cmd/yodel/bench/load", []string{"github.com/"}},
	{"cmd/...", []string{".", "cmd/...", "dynamic", "examples/...", "idl/...", "link", "rpc", "wire", "github.com/",
		"google.golang.org/protobuf/"}}, // a client like any other: nothing internal, no protocol
	{"examples/...", []string{".", "balance/...", "compress/...", "dynamic", "examples/...", "idl/...", "link",
		"resolve/...", "rpc", "wire"}}, // what users may import
	{"internal/...", []string{".", "dynamic", "idl/...", "internal/...", "protocol/...", "rpc", "wire"}},
}

type layer struct {
	pkg string
	may []string
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	found := 0
	for pkg, imports := range packages(t) {
		found++
		row := slices.IndexFunc(layers, func(l layer) bool { return fits(pkg, l.pkg) })
		if row < 0 {
			t.Errorf("package %s is in no row of the table", pkg)
			continue
		}
		for _, imported := range imports {
			if !slices.ContainsFunc(layers[row].may, func(pattern string) bool { return fits(imported, pattern) }) {
				t.Errorf("package %s imports %s; the table lets it import only %q", pkg, imported, layers[row].may)
			}
		}
	}
	if found < 10 {
		t.Errorf("found only %d packages", found)
	}
}

// fits reports whether a package, or an import outside the module, fits a pattern of the table.
func fits(pkg, pattern string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == parent || strings.HasPrefix(pkg, parent+"/")
	}
	return pkg == pattern || strings.HasSuffix(pattern, "/") && strings.HasPrefix(pkg, pattern)
}

// packages returns the packages of the module with what they import from outside the standard library, in the words of
// the table.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name != "." && d.Name()[0] == '.' || d.Name() == "testdata" || isModule(name)):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(name))
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		found[pkg] = slices.Clip(found[pkg]) // also where there are no imports
		for _, i := range file.Imports {
			if imported, ok := inTable(strings.Trim(i.Path.Value, `"`)); ok {
				found[pkg] = append(found[pkg], imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// isModule reports whether dir, below the root, is a module of its own.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return dir != "." && !errors.Is(err, fs.ErrNotExist)
}

// inTable returns an import path in the words of the table, or false for one of the standard library.
func inTable(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	if pkg, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return path.Clean(pkg), true
	}
	first, _, _ := strings.Cut(importPath, "/")
	return importPath, strings.Contains(first, ".")
}

// Generated code links package regexp where its definition has a @pattern, and nothing below it does.
func TestVocabularyLinksNoRegexp(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"wire", "rpc", "internal/nearest"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(names), err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range file.Imports {
				if strings.HasPrefix(i.Path.Value, `"regexp`) {
					t.Errorf("%s imports %s", name, i.Path.Value)
				}
			}
		}
	}
}
