package main

import (
	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
)

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Check definitions",
		Long: `Check definitions with all that they import, and print every error and warning with its place and what to
write instead. Nothing is generated.`,
		Example:           "  yodel check divide.yodel",
		Args:              cli.AtLeast(1, "a definition"),
		ValidArgsFunction: completeDefinitions,
		RunE: func(cmd *cobra.Command, paths []string) error {
			_, _, err := cli.CompileBeside(cmd.ErrOrStderr(), paths...)
			return err
		},
	}
}
