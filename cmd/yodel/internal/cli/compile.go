package cli

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/schema"
)

// Compile checks definitions with all that they import. It prints the warnings, and returns the errors.
func Compile(stderr io.Writer, paths ...string) ([]*schema.File, error) {
	return CompileFrom(stderr, ReadFile, slashed(paths)...)
}

// CompileFrom is Compile with the files that load returns.
func CompileFrom(stderr io.Writer, load func(string) ([]byte, error), paths ...string) ([]*schema.File, error) {
	files, diags := check.Files(load, paths...)
	for _, w := range diags.Warnings() {
		fmt.Fprintln(stderr, w)
	}
	return files, diags.Err()
}

// CompileBeside is Compile for those who generate: it holds definitions against the others of their directories, with
// which they share a package, and returns these as well.
func CompileBeside(stderr io.Writer, paths ...string) (files, beside []*schema.File, err error) {
	if files, err = Compile(stderr, paths...); err != nil {
		return nil, nil, err
	}
	others := Neighbours(files)
	all, diags := check.Files(ReadFile, append(others, slashed(paths)...)...)
	if err := diags.Err(); err != nil {
		return nil, nil, err
	}
	return all[len(others):], all, nil
}

// Neighbours returns the definitions beside the given ones that are sound and of the same package. What is wrong with
// one that nobody asked for is no reason to stop.
func Neighbours(files []*schema.File) []string {
	packages, given := map[string]string{}, map[string]bool{}
	for _, f := range files {
		packages[path.Dir(f.Path)], given[f.Path] = f.Package, true
	}
	var others []string
	for dir, pkg := range packages {
		// a name with [ in it finds nothing
		found, _ := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*.yodel"))
		for _, p := range slashed(found) {
			if given[p] {
				continue
			}
			if sound, _ := check.Files(ReadFile, p); len(sound) == 1 && sound[0].Package == pkg {
				others = append(others, p)
			}
		}
	}
	slices.Sort(others)
	return others
}

func slashed(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = path.Clean(filepath.ToSlash(p))
	}
	return out
}

// ReadFile reads a file whose path has slashes.
func ReadFile(path string) ([]byte, error) { return os.ReadFile(filepath.FromSlash(path)) }
