package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/golang"
	"github.com/yodelrpc/yodel/idl/schema"
)

// A layout says where generated files go. Beside their definitions, that is where these are; in an output directory
// they keep the places that definitions have below a root, for generated code finds its imports by them.
type layout struct {
	command    *genCommand
	outputFile string // the one file to write; empty for others
	outputDir  string // where files go by their paths from the root; empty for beside the definitions
}

// move makes the paths of files those from the root, and returns the same files under these, and those beside them.
func (l *layout) move(files []*schema.File) (moved, beside []*schema.File, err error) {
	root, err := l.root(files)
	if err != nil {
		return nil, nil, err
	}
	l.outputFile, l.outputDir = "", cmp.Or(l.command.output, root)
	var paths []string
	for _, f := range files {
		below, err := relative(root, f.Path)
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, below)
	}
	load := func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(root, filepath.FromSlash(p))) }
	moved, diags := check.Files(load, paths...)
	if err := diags.Err(); err != nil {
		return nil, nil, err
	}
	for _, f := range withImports(moved) {
		if strings.HasPrefix(f.Path, "../") {
			return nil, nil, cli.Usagef("%s is imported and not below --root %s; name a directory above both", f.Path, root)
		}
	}
	others := cli.Neighbours(files)
	for _, p := range others {
		below, err := relative(root, p)
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, below)
	}
	beside, _ = check.Files(load, paths...) // they are sound, as CompileBeside found
	return moved, beside, nil
}

// root is the directory that --root names, else the deepest one that holds all files and their imports.
func (l *layout) root(files []*schema.File) (string, error) {
	if l.command.root != "" {
		if info, err := os.Stat(l.command.root); err != nil || !info.IsDir() {
			return "", cli.Usagef("--root %s is no directory", l.command.root)
		}
		return l.command.root, nil
	}
	root := ""
	for _, f := range withImports(files) {
		dir, err := filepath.Abs(filepath.Dir(filepath.FromSlash(f.Path)))
		if err != nil {
			return "", err
		}
		if root == "" {
			root = dir
		}
		for !strings.HasPrefix(dir+string(filepath.Separator), strings.TrimSuffix(root, "/")+string(filepath.Separator)) {
			root = filepath.Dir(root)
		}
	}
	return root, nil
}

// relative returns the path of a definition from the root.
func relative(root, definition string) (string, error) {
	from, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(filepath.FromSlash(definition))
	if err != nil {
		return "", err
	}
	below, err := filepath.Rel(from, to)
	if err != nil || strings.HasPrefix(below, "..") {
		return "", cli.Usagef("%s is not below --root %s; name a directory above all definitions", definition, root)
	}
	return filepath.ToSlash(below), nil
}

// importPath is what a Go package in a directory of definitions is imported as.
func (l *layout) importPath(dir string) (string, error) {
	return golang.ImportPath(path.Join(l.outputDir, dir))
}

func (l *layout) target(definition string) string {
	return cmp.Or(l.outputFile, filepath.Join(l.outputDir, l.command.fileName(definition)))
}

// targets returns the files to write.
func (l *layout) targets(files []*schema.File) ([]string, error) {
	var targets []string
	from := map[string]*schema.File{}
	for _, f := range files {
		target := l.target(f.Path)
		if other := from[target]; other != nil && other != f {
			return nil, fmt.Errorf("%s and %s would both be generated as %s; rename one of them", other.Path, f.Path, target)
		}
		if err := l.leavesImports(f, target); err != nil {
			return nil, err
		}
		from[target], targets = f, append(targets, target)
	}
	return targets, nil
}

// leavesImports reports a single output file that would stand where its imports are not found: Go finds those of other
// directories wherever it is.
func (l *layout) leavesImports(f *schema.File, target string) error {
	if l.outputFile == "" || filepath.Dir(target) == filepath.Dir(filepath.FromSlash(f.Path)) {
		return nil
	}
	for _, i := range f.Imports {
		if l.command.python || l.command.proto || path.Dir(i.Path) == path.Dir(f.Path) {
			return cli.Usagef("%s imports %s, which %s would not find; name a directory, which keeps the places of both: -o %s/",
				f.Path, i.Path, target, filepath.Dir(target))
		}
	}
	return nil
}

// missing speaks of imports that nobody has generated in the output directory.
func (l *layout) missing(stderr io.Writer, files []*schema.File) {
	if l.command.root == "" && l.command.output == "" || l.outputFile != "" {
		return
	}
	for _, f := range withImports(files) {
		if _, err := os.Stat(l.target(f.Path)); err != nil {
			fmt.Fprintf(stderr, "warning: %s is imported, and %s is not there; generate it as well\n", f.Path, l.target(f.Path))
		}
	}
}

// withImports returns files and all that they import, each once.
func withImports(files []*schema.File) []*schema.File {
	var all []*schema.File
	seen := map[*schema.File]bool{}
	for queue := files; len(queue) > 0; queue = queue[1:] {
		if f := queue[0]; !seen[f] {
			seen[f], all = true, append(all, f)
			queue = append(queue[:len(queue):len(queue)], f.Imports...)
		}
	}
	return all
}

// besides returns those of files that are in the directory of f.
func besides(f *schema.File, files []*schema.File) []*schema.File {
	var out []*schema.File
	for _, other := range files {
		if path.Dir(other.Path) == path.Dir(f.Path) {
			out = append(out, other)
		}
	}
	return out
}
