package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/idl/diag"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// A fmtCommand is the command line of "yodel fmt".
type fmtCommand struct {
	write, list, diff bool
	out, errOut       io.Writer
}

func newFmt() *cobra.Command {
	var c fmtCommand
	cmd := &cobra.Command{
		Use:   "fmt [flags] [FILE...]",
		Short: "Format definitions",
		Long: `Format definitions in the one style and print them; without a FILE, format the standard input.
Comments are kept. A file with errors is left as it is.`,
		Example: `  yodel fmt -w divide.yodel
  yodel fmt -d *.yodel
  yodel fmt < divide.yodel`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			c.out, c.errOut = cmd.OutOrStdout(), cmd.ErrOrStderr()
			if len(paths) == 0 {
				return c.formatInput(cmd.InOrStdin())
			}
			return c.formatAll(paths)
		},
	}
	cmd.Flags().BoolVarP(&c.write, "write", "w", false, "write the result to the file instead of printing it")
	cmd.Flags().BoolVarP(&c.list, "list", "l", false, "list the files whose formatting differs")
	cmd.Flags().BoolVarP(&c.diff, "diff", "d", false, "print what differs; exit status 1 if anything does")
	cmd.ValidArgsFunction = completeDefinitions
	return cmd
}

func (c *fmtCommand) formatInput(in io.Reader) error {
	if c.write {
		return cli.Usagef("-w needs a FILE; the standard input cannot be written to")
	}
	src, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	return c.format("<standard input>", src)
}

// formatAll formats every file, those after one with errors too.
func (c *fmtCommand) formatAll(paths []string) error {
	var failed error
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			err = diag.List{diag.Unreadable(path, err)}
		} else {
			err = c.format(path, src)
		}
		if err != nil && !errors.Is(err, cli.ErrReported) {
			printError(c.errOut, err)
		}
		if err != nil {
			failed = cli.ErrReported
		}
	}
	return failed
}

func (c *fmtCommand) format(path string, src []byte) error {
	result, err := syntax.Format(path, src)
	if err != nil {
		return err
	}
	same := bytes.Equal(src, result)
	if c.list && !same {
		fmt.Fprintln(c.out, path)
	}
	if c.write && !same {
		if err := overwrite(path, result); err != nil {
			return err
		}
	}
	if c.diff && !same {
		_, err = c.out.Write(diff.Diff(path+".orig", src, path, result))
		return errors.Join(err, cli.ErrReported)
	}
	if !c.list && !c.write && !c.diff {
		_, err = c.out.Write(result)
	}
	return err
}

// overwrite gives a file a new content and leaves its permissions.
func overwrite(path string, content []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, info.Mode().Perm())
}

// completeDefinitions lets the shell complete the names of definitions.
func completeDefinitions(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yodel"}, cobra.ShellCompDirectiveFilterFileExt
}
