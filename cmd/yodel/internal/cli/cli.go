// Package cli is what the subcommands of yodel have in common: errors with their exit codes, arguments, definitions.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// ErrReported says that what failed has been printed already.
var ErrReported = errors.New("already reported")

// A UsageError is a command line that cannot be right.
type UsageError struct{ message string }

// Error returns what is wrong.
func (e *UsageError) Error() string { return e.message }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{message: fmt.Sprintf(format, args...)}
}

// AtLeast wants a number of arguments, and says what they are with the first example of the command.
func AtLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return wrongNumber(cmd, what)
		}
		return nil
	}
}

// Exactly is AtLeast for a command that takes no more than these.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return wrongNumber(cmd, what)
		}
		return nil
	}
}

func wrongNumber(cmd *cobra.Command, what string) error {
	example, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	return Usagef("name %s, as in: %s", what, example)
}

// helpFailed is where a command's context holds why its help could not be shown: cobra takes no error from a function
// that shows help.
type helpFailed struct{}

// FailHelp notes that cmd's help could not be shown.
func FailHelp(cmd *cobra.Command, err error) {
	cmd.SetContext(context.WithValue(cmd.Context(), helpFailed{}, err))
}

// HelpError returns what FailHelp noted, or nil.
func HelpError(cmd *cobra.Command) error {
	err, _ := cmd.Context().Value(helpFailed{}).(error)
	return err
}
