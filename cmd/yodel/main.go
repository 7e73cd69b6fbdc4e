// Command yodel works with definitions: it generates code from them, formats, checks and compares them, and calls their
// methods. docs/tool.md describes it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/bench"
	"github.com/yodelrpc/yodel/cmd/yodel/call"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/idl/diag"
)

// The exit codes. 0 says that all is well.
const (
	exitFailed = 1 // what was asked about failed: a definition has errors, a change breaks something, a call failed
	exitUsage  = 2 // the command line is wrong
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run runs the command line and returns the exit code. Commands write their output to the standard output.
func run(args []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	started := false
	root := newRoot()
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		if err = cli.HelpError(cmd); err == nil {
			return 0
		}
		started = true
	}
	if !errors.Is(err, cli.ErrReported) {
		printError(stderr, err)
	}
	if _, ok := errors.AsType[*cli.UsageError](err); ok || !started {
		fmt.Fprintf(stderr, "Run '%s --help' for how to use it.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "yodel",
		Short: "Remote calls from one-line definitions",
		Long: `Yodel turns a one-line definition of a function into a remote call.

Exit status: 0 if all is well; 1 if what was asked about failed (a definition has errors, a change breaks
something, a call failed); 2 if the command line is wrong.`,
		Example: `  yodel demo
  yodel gen divide.yodel
  yodel call -f divide.yodel 127.0.0.1:8000 divide num1=200 num2=100`,
		Version:       versionLine(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(
		bench.New(), call.New(), newCheck(), newCompat(), newDemo(), newFmt(), newGen(), newVersion(),
	)
	return root
}

// printError prints diagnostics as they are, and other errors with the tool's name.
func printError(w io.Writer, err error) {
	if list, ok := errors.AsType[diag.List](err); ok {
		fmt.Fprintln(w, list)
		return
	}
	fmt.Fprintln(w, "yodel:", err)
}
