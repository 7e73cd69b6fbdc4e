package main

import (
	"net"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// atLeast wants a number of arguments, and says what they are with the first example of the command.
func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return wrongNumber(cmd, what)
		}
		return nil
	}
}

// exactly is atLeast for a command that takes no more than these.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return wrongNumber(cmd, what)
		}
		return nil
	}
}

func wrongNumber(cmd *cobra.Command, what string) error {
	example, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	return usagef("name %s, as in: %s", what, example)
}

// checkAddress wants HOST:PORT.
func checkAddress(address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return usagef("the address %q is not HOST:PORT; write it as 127.0.0.1:8000", address)
	}
	return nil
}

// checkOutput wants the one file that is written to be named as what it holds.
func checkOutput(name, ext string) error {
	switch got := filepath.Ext(name); {
	case got == ext:
		return nil
	case got == ".py" || got == ".proto":
		return usagef("-o %s is no %s file; add --%s", name, ext, map[string]string{".py": "python", ".proto": "proto"}[got])
	default:
		return usagef("-o %s is neither a directory nor a %s file; write -o %s/ or -o %s%s", name, ext, name,
			strings.TrimSuffix(name, got), ext)
	}
}
