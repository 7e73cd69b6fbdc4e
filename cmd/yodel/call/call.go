// Package call is the subcommand "yodel call": one call, whose result, or results, it prints as JSON.
package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A command is the command line.
type command struct {
	client.Options
	verbose bool
}

// New returns the subcommand.
func New() *cobra.Command {
	var c command
	cmd := &cobra.Command{
		Use:   "call [flags] ADDRESS METHOD [NAME=VALUE... | JSON]",
		Short: "Call a method and print its result as JSON",
		Long: `Call a method and print its result as one line of JSON.

ADDRESS is HOST:PORT for mux, or begins with basic://, line:// or http://; muxs://, basics://, lines:// and https:// are
the same inside TLS. A unix socket is unix:///PATH, or basic+unix:///PATH and so on.
METHOD is a method's name ("divide"), or "Service.method" where two services of the server have it.

With -f, parameters are checked against the definition before anything is sent; the VALUE of a string, bytes (in
base64), timestamp, duration or enum needs no quotes. 'yodel call -f FILE ADDRESS METHOD --help' shows a method.
Without -f, a VALUE that is JSON is sent as it stands, anything else as a string, and the server checks it: over line
and http, since no names travel over mux and basic.

What a method takes as a stream is read from standard input, an element of JSON a line, as it comes; results of a stream
are printed a line each. Streams need -f, and have no time limit unless --timeout or the definition sets one.

An exception or error goes to standard error, and the exit status is 1.`,
		Example: `  yodel call -f divide.yodel 127.0.0.1:8000 divide num1=200 num2=100
  yodel call line://127.0.0.1:8000 divide num1=200
  yodel call http://127.0.0.1:8000 divide '{"num1": 200}'
  seq 100 | yodel call -f numbers.yodel 127.0.0.1:8000 sum
  yodel call -f divide.yodel -H 'trace: 4711' -v --ca ca.pem muxs://calc.example:8000 divide num1=200`,
		Args: cli.AtLeast(2, "an address and a method"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
	}
	c.AddFlags(cmd)
	cmd.Flags().BoolVarP(&c.verbose, "verbose", "v", false,
		"print the metadata and the error's details that come with the answer to standard error")
	usual := cmd.HelpFunc()
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if c.File == "" {
			usual(cmd, args)
			return
		}
		if err := c.help(cmd.OutOrStdout(), cmd.Flags().Args()); err != nil {
			cli.FailHelp(cmd, err)
		}
	})
	return cmd
}

// run makes the call and prints its result.
func (c *command) run(ctx context.Context, in io.Reader, out, stderr io.Writer, args []string) error {
	ready, err := c.Prepare(args[0], args[1], args[2:])
	if err != nil {
		return err
	}
	ch, err := ready.Dial.Dial(ready.Target)
	if err != nil {
		return cli.Usagef("%v", err)
	}
	defer ch.Close()
	if ready.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ready.Timeout)
		defer cancel()
	}
	var answered rpc.Metadata
	ctx = rpc.WithAnswerMetadata(rpc.WithMetadata(ctx, ready.Metadata...), &answered)
	if ready.Method != nil && ready.Method.Streams() {
		err = stream(ctx, in, out, ready, ch)
	} else {
		err = unary(ctx, out, ready, ch)
	}
	if c.verbose {
		printMetadata(stderr, answered)
	}
	if err != nil {
		if c.verbose {
			c.printDetails(stderr, err)
		}
		if input, ok := errors.AsType[*inputError](err); ok {
			return input
		}
		return client.Describe(err)
	}
	return nil
}

// unary makes a call with one answer, and prints it.
func unary(ctx context.Context, out io.Writer, ready *client.Call, ch rpc.Channel) error {
	call := ready.New()
	if err := ch.Call(ctx, call); err != nil {
		return err
	}
	text, err := result(ready, call)
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", text)
	}
	return err
}

// printDetails prints what the error of a call carries.
func (c *command) printDetails(w io.Writer, err error) {
	var types *dynamic.Package
	if c.File != "" {
		types, _ = c.Load() // it was loaded for the call, and without it details are shown all the same
	}
	client.PrintDetails(w, err, types)
}

// result returns the result of a call as JSON.
func result(ready *client.Call, call *rpc.Call) ([]byte, error) {
	if ready.Method != nil {
		return ready.Method.AppendResult(nil, call)
	}
	return call.Result.(*wire.JSONText).Text, nil
}

func printMetadata(w io.Writer, md rpc.Metadata) {
	for _, key := range slices.Sorted(maps.Keys(md)) {
		for _, value := range md[key] {
			fmt.Fprintf(w, "%s: %s\n", key, value)
		}
	}
}
