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

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/idl/compat"
	"github.com/yodelrpc/yodel/idl/schema"
)

func newCompat() *cobra.Command {
	var reach string
	cmd := &cobra.Command{
		Use:   "compat [flags] OLD NEW",
		Short: "Say what a change of a definition breaks",
		Long: `Say what breaks between an old definition and a new one, for whom, and what to do about it. The exit status is 1
if anything breaks. Each line begins with those whom it breaks:

  go, python        programs that use the generated code have to be changed
  basic, json, mux  old and new programs that call each other misunderstand each other over the basic protocol, over
                    the line protocol and HTTP, or over mux
  meaning           all is understood, and means something else than before

--reach go,mux,meaning looks only at what breaks one of these, as for programs that are all in Go and speak mux.

A file may be named REV:PATH, as it was at a revision of the git repository that it stands in. PATH is relative to the
current directory; imports are read at that revision too.`,
		Example: `  yodel compat HEAD:divide.yodel divide.yodel
  yodel compat --reach python,json,meaning v1.2.0:divide.yodel HEAD:divide.yodel
  yodel compat old/divide.yodel new/divide.yodel`,
		Args:              cli.Exactly(2, "the old definition and the new one"),
		ValidArgsFunction: completeDefinitions,
		RunE: func(cmd *cobra.Command, names []string) error {
			of, err := compat.ParseReach(reach)
			if err != nil {
				return cli.Usagef("--reach: %v", err)
			}
			return compareDefinitions(cmd.OutOrStdout(), cmd.ErrOrStderr(), of, names[0], names[1])
		},
	}
	everything := compat.Source | compat.Wire | compat.Meaning
	cmd.Flags().StringVar(&reach, "reach", strings.ReplaceAll(everything.String(), " ", ""), "whom to look after")
	return cmd
}

// compareDefinitions prints what breaks somebody of a reach.
func compareDefinitions(out, stderr io.Writer, of compat.Reach, oldName, newName string) error {
	var files [2][]*schema.File
	for i, name := range []string{oldName, newName} {
		var err error
		if files[i], err = openSource(name).compile(stderr); err != nil {
			return err
		}
	}
	found := false
	for _, change := range compat.Compare(files[0], files[1]) {
		if change.Reach&of != 0 {
			found = true
			fmt.Fprintln(out, change)
		}
	}
	if found {
		return cli.ErrReported
	}
	return nil
}

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
