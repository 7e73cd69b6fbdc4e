package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/schema"
)

// compile checks definitions with all that they import. It prints the warnings, and returns the errors.
func compile(stderr io.Writer, paths ...string) ([]*schema.File, error) {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = filepath.ToSlash(p)
	}
	return compileFrom(stderr, readFile, names...)
}

// compileFrom is compile with the files that load returns.
func compileFrom(stderr io.Writer, load func(string) ([]byte, error), paths ...string) ([]*schema.File, error) {
	files, diags := check.Files(load, paths...)
	for _, w := range diags.Warnings() {
		fmt.Fprintln(stderr, w)
	}
	return files, diags.Err()
}

func readFile(path string) ([]byte, error) { return os.ReadFile(filepath.FromSlash(path)) }
