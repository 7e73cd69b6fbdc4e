package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/yodelrpc/yodel/internal/testenv"
)

const root = "../.."

var (
	// A named block is the content of the file whose name ends the paragraph above it.
	namedBlock = regexp.MustCompile("(?s)`([a-z/]+\\.(?:go|yodel))`[^`\n]*:\n\n```(?:go|yodel)\n(.*?)```")
	// The commands, and what the last of them prints.
	commandBlock = regexp.MustCompile("(?s)```sh\n(.*?)```\n\n```\n(.*?)```")
	pythonBlock  = regexp.MustCompile("(?s)```python\n(.*?)```")
	localLink    = regexp.MustCompile(`\]\(([^):]+)\)`)
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadme writes the files that README.md shows into a new module and runs the commands that it shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	text := readme(t)
	dir := t.TempDir()
	blocks := namedBlock.FindAllStringSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("README.md shows %d files, want a definition and a program", len(blocks))
	}
	for _, block := range blocks {
		writeFile(t, filepath.Join(dir, block[1]), block[2])
	}
	commands := commandBlock.FindStringSubmatch(text)
	if commands == nil {
		t.Fatal("README.md has no commands with their output")
	}
	newModule(t, dir, "hello")
	output := runInModule(t, dir, "set -e\n"+commands[1])
	if !strings.HasSuffix(output, commands[2]) {
		t.Errorf("the commands print\n%s, README.md says\n%s", output, commands[2])
	}
}

// TestReadmePython runs the Python that README.md shows with the module that is generated for it.
func TestReadmePython(t *testing.T) {
	t.Parallel()
	python := testenv.Need(t, "python3")
	block := pythonBlock.FindStringSubmatch(readme(t))
	if block == nil {
		t.Fatal("README.md shows no Python")
	}
	address, stop, err := serveDivide()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	dir := t.TempDir()
	gen := genCommand{python: true, output: dir}
	if err := gen.run(t.Output(), []string{filepath.Join(root, "examples/divide/divide.yodel")}); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "client.py"), strings.ReplaceAll(block[1], "127.0.0.1:8000", address))
	if got, want := runShell(t, dir, python+" client.py"), "2.0\ninvalid operation\n"; got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
}

// anchors returns what links name the headings of a page by: their words in lower case, with hyphens between.
func anchors(page string) []string {
	var all []string
	for line := range strings.Lines(page) {
		if text := strings.TrimLeft(line, "#"); text != line {
			name := strings.ToLower(strings.TrimSpace(text))
			name = regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(name, "")
			all = append(all, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return all
}

// newModule makes a module in dir that takes yodel from this repository, and everything else from the module cache.
func newModule(t *testing.T, dir, name string) {
	t.Helper()
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	runInModule(t, dir, "go mod init "+name+" && go mod edit -replace 'github.com/yodelrpc/yodel="+repository+"'")
}

// runInModule runs a script in a module that newModule made, and returns what it prints.
func runInModule(t *testing.T, dir, script string) string {
	t.Helper()
	return runShell(t, dir, script, "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off")
}

// runShell runs a script and returns what it prints.
func runShell(t *testing.T, dir, script string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	output, err := cmd.CombinedOutput()
	if err != nil && strings.Contains(string(output), "disabled by GOPROXY=off") && os.Getenv("YODEL_TEST_ALL") == "" {
		t.Skipf("the module cache lacks what go get looks at; go mod download all gets it:\n%s", output)
	}
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, output)
	}
	return string(output)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestReadmeLinks: every page and folder that README.md links to is there.
func TestReadmeLinks(t *testing.T) {
	t.Parallel()
	links := localLink.FindAllStringSubmatch(readme(t), -1)
	if len(links) == 0 {
		t.Fatal("README.md has no links")
	}
	for _, link := range links {
		page, heading, _ := strings.Cut(link[1], "#")
		text, err := os.ReadFile(filepath.Join(root, page))
		if errors.Is(err, syscall.EISDIR) {
			continue
		}
		if err != nil {
			t.Error(err)
		} else if heading != "" && !slices.Contains(anchors(string(text)), heading) {
			t.Errorf("%s has no heading for #%s; it has %q", page, heading, anchors(string(text)))
		}
	}
}
