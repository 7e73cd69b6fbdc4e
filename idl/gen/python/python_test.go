package python_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/testenv"
)

// TestCompiles holds that no generated module has as much as a warning.
func TestCompiles(t *testing.T) {
	t.Parallel()
	python3, dir := testenv.Need(t, "python3"), modules(t)
	for _, d := range definitions {
		t.Run(d.module, func(t *testing.T) {
			t.Parallel()
			program := "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"
			out, err := exec.CommandContext(t.Context(), python3, "-W", "error", "-c", program,
				filepath.Join(dir, d.module), filepath.Join(t.TempDir(), "module.pyc")).CombinedOutput()
			if err != nil {
				t.Errorf("compile: %v\n%s", err, out)
			}
		})
	}
}

// TestUnits runs the tests in Python, in which generated clients and servers meet each other, the vectors of the
// protocols, and peers that misbehave.
func TestUnits(t *testing.T) {
	t.Parallel()
	python3, dir := testenv.Need(t, "python3"), modules(t)
	files, err := filepath.Glob("testdata/test_*.py")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in testdata: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".py")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), python3, "-W", "error", "-X", "dev", "-B", "-m", "unittest", name)
			cmd.Dir = "testdata"
			cmd.Env = append(os.Environ(), "PYTHONPATH="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestReservedNames holds that no declaration can take a name that the runtime uses: each builtin that it refers to
// must be known to the generator.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	python3 := testenv.Need(t, "python3")
	program := `
import builtins, symtable, sys
def names(table):
    for symbol in table.get_symbols():
        if symbol.is_global() or table.get_type() == "module" and not symbol.is_assigned():
            yield symbol.get_name()
    for child in table.get_children():
        yield from names(child)
table = symtable.symtable(open(sys.argv[1]).read(), sys.argv[1], "exec")
print(" ".join(sorted(set(names(table)) & set(dir(builtins)))))`
	out, err := exec.CommandContext(t.Context(), python3, "-c", program,
		filepath.Join(modules(t), "every.py")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	reserved, err := os.ReadFile("reserved.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(reserved), "var builtinNames = set(`")
	list, _, _ = strings.Cut(list, "`")
	known := make(map[string]bool)
	for name := range strings.FieldsSeq(list) {
		known[name] = true
	}
	for name := range strings.FieldsSeq(string(out)) {
		if !known[name] && name != "__name__" {
			t.Errorf("the runtime uses %s, which builtinNames lacks", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("builtinNames has %s, which the runtime does not use", name)
	}
}
