package golang

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ImportPath returns the import path of the Go package in dir: the path of the module whose go.mod stands in dir or
// nearest above it, and the way from there.
func ImportPath(dir string) (string, error) {
	at, err := filepath.Abs(filepath.FromSlash(dir))
	if err != nil {
		return "", err
	}
	for below := ""; ; at, below = filepath.Dir(at), path.Join(filepath.Base(at), below) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		switch {
		case err == nil:
			module := modulePath(string(text))
			if module == "" {
				return "", fmt.Errorf("%s names no module", filepath.Join(at, "go.mod"))
			}
			return path.Join(module, below), nil
		case !errors.Is(err, os.ErrNotExist):
			return "", err
		case filepath.Dir(at) == at:
			return "", fmt.Errorf("no go.mod in %s or above it; run go mod init", dir)
		}
	}
}

// modulePath returns the path that the module directive of a go.mod gives.
func modulePath(text string) string {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
			return strings.Trim(fields[1], "\"`")
		}
	}
	return ""
}
