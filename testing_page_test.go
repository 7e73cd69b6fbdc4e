package yodel_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/testenv"
)

// TestTestingPage runs the tests that docs/testing.md shows: all that its blocks declare, in one file.
func TestTestingPage(t *testing.T) {
	t.Parallel()
	goTool := testenv.Need(t, "go")
	declared, last := "", ""
	for _, s := range snippetsOf(t, "docs/testing.md") {
		text, declares := s.file(t, declared)
		if declares != "" {
			declared, last = declared+declares, text
		}
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"),
		"module page\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	write(t, filepath.Join(dir, "page_test.go"), last)
	run := exec.Command(goTool, "test", "-v", "./...")
	run.Dir = dir
	out, err := run.CombinedOutput()
	if passed := strings.Count(string(out), "--- PASS: "); err != nil || passed < 5 {
		t.Errorf("%d tests passed, %v\n%s", passed, err, out)
	}
}
