package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/idl/compat"
	"github.com/yodelrpc/yodel/idl/schema"
)

func newCompat() *cobra.Command {
	return &cobra.Command{
		Use:   "compat OLD NEW",
		Short: "Say what a change of a definition breaks",
		Long: `Say what breaks between an old definition and a new one: on the wire (programs that run now misunderstand each
other), in source (code that uses the generated code must be changed), or in meaning only. The exit status is 1 if
anything breaks.

A file may be named REV:PATH, as it was at a revision of the git repository that it stands in. PATH is relative to the
current directory; imports are read at that revision too.`,
		Example: `  yodel compat HEAD:divide.yodel divide.yodel
  yodel compat v1.2.0:divide.yodel HEAD:divide.yodel
  yodel compat old/divide.yodel new/divide.yodel`,
		Args:              cli.Exactly(2, "the old definition and the new one"),
		ValidArgsFunction: completeDefinitions,
		RunE: func(cmd *cobra.Command, names []string) error {
			return compareDefinitions(cmd.OutOrStdout(), cmd.ErrOrStderr(), names[0], names[1])
		},
	}
}

func compareDefinitions(out, stderr io.Writer, oldName, newName string) error {
	var files [2][]*schema.File
	for i, name := range []string{oldName, newName} {
		var err error
		if files[i], err = openSource(name).compile(stderr); err != nil {
			return err
		}
	}
	changes := compat.Compare(files[0], files[1])
	for _, change := range changes {
		fmt.Fprintln(out, change)
	}
	if len(changes) > 0 {
		return cli.ErrReported
	}
	return nil
}
