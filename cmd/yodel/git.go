package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/idl/schema"
)

// A source is where the files of a definition come from: the disk, or a revision of a git repository.
type source struct {
	path string
	load func(path string) ([]byte, error)
}

// openSource understands PATH and REV:PATH. A file that exists under the whole name is meant by it.
func openSource(name string) source {
	rev, path, ok := strings.Cut(name, ":")
	if _, err := os.Stat(name); err == nil || !ok {
		return source{path: filepath.ToSlash(name), load: cli.ReadFile}
	}
	dir := existingDir(filepath.Dir(path))
	return source{path: filepath.ToSlash(path), load: func(p string) ([]byte, error) {
		return showFile(dir, rev, filepath.FromSlash(p))
	}}
}

func (s source) compile(stderr io.Writer) ([]*schema.File, error) {
	return cli.CompileFrom(stderr, s.load, s.path)
}

// existingDir returns dir, or the nearest directory above it that is there: a revision may have had others.
func existingDir(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// showFile returns a file as it was at a revision of the repository that dir stands in.
func showFile(dir, rev, path string) ([]byte, error) {
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return nil, err
	}
	object := rev + ":./" + filepath.ToSlash(rel)
	cmd := exec.Command("git", "-C", dir, "cat-file", "--end-of-options", "blob", object)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	content, err := cmd.Output()
	if _, failed := errors.AsType[*exec.ExitError](err); failed {
		return nil, fmt.Errorf("git has no %s: %s", object, bytes.TrimSpace(stderr.Bytes()))
	}
	return content, err
}
