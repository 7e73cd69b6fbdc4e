package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel/idl/schema"
)

// A callCommand is the command line of "yodel call".
type callCommand struct {
	file    string
	timeout time.Duration
}

func newCall() *cobra.Command {
	var c callCommand
	cmd := &cobra.Command{
		Use:   "call [flags] ADDRESS METHOD [NAME=VALUE... | JSON]",
		Short: "Call a method and print its result as JSON",
		Long: `Call a method and print its result as one line of JSON.

ADDRESS is HOST:PORT for the line protocol, or begins with line://, http://, https:// or basic://.
METHOD is a method's name ("divide"), or "Service.method" where two services of the server have it.

Without -f, a VALUE that is JSON is sent as it stands, anything else as a string, and the server checks it.
With -f, parameters are checked against the definition before anything is sent; the VALUE of a string, bytes (in
base64), timestamp, duration or enum needs no quotes. basic:// needs -f, since its bytes carry no names.
Methods with streams cannot be called in this way.

An exception or error goes to standard error, and the exit status is 1.`,
		Example: `  yodel call 127.0.0.1:8000 divide num1=200 num2=100
  yodel call http://127.0.0.1:8000 divide '{"num1": 200}'
  yodel call -f divide.yodel basic://127.0.0.1:8000 divide num1=200`,
		Args: atLeast(2, "an address and a method"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), c.timeout)
			defer cancel()
			result, err := c.call(ctx, args[0], args[1], args[2:])
			if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", result)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&c.file, "file", "f", "", "definition to check the call against")
	cmd.Flags().DurationVar(&c.timeout, "timeout", 10*time.Second, "how long to wait for the answer")
	_ = cmd.MarkFlagFilename("file", "yodel")
	return cmd
}

// call makes the call and returns its result as JSON.
func (c *callCommand) call(ctx context.Context, address, method string, args []string) ([]byte, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "line", address
	}
	if c.timeout <= 0 {
		return nil, usagef("--timeout is a time above 0, as in 10s")
	}
	if scheme == "line" || scheme == "basic" {
		if err := checkAddress(rest); err != nil {
			return nil, err
		}
	}
	req, err := c.request(method, args)
	if err != nil {
		return nil, err
	}
	switch scheme {
	case "line":
		return req.overLine(ctx, rest)
	case "http", "https":
		return req.overHTTP(ctx, address)
	case "basic":
		return req.overBasic(ctx, rest)
	}
	if scheme == "mux" {
		return nil, usagef("mux:// is for yodel bench and programs; a server speaks the line protocol at the same " +
			"address: leave mux:// out")
	}
	return nil, usagef("unknown scheme %q in the address %q; write line, http, https or basic", scheme, address)
}

func (c *callCommand) request(method string, args []string) (*request, error) {
	req := &request{name: method}
	var err error
	if c.file == "" {
		req.params, err = untypedParams(args)
		return req, err
	}
	if req.method, err = findMethod(c.file, method); err != nil {
		return nil, err
	}
	req.params, req.args, err = typedParams(req.method, args)
	return req, err
}

// findMethod returns the method that a definition has under a name.
func findMethod(path, name string) (*schema.Method, error) {
	files, err := compile(io.Discard, path)
	if err != nil {
		return nil, err
	}
	file := files[0]
	var found []*schema.Method
	var names []string
	for _, s := range file.Services {
		for _, m := range s.Methods {
			names = append(names, m.Name)
			if name == m.Name || name == s.Name+"."+m.Name || name == file.Package+"."+s.Name+"/"+m.Name {
				found = append(found, m)
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("%s has no method %q; it has %s", path, name, nearest(name, names))
	case len(found) > 1:
		return nil, fmt.Errorf("%s has a method %q in %d services; call %s.%s or %s.%s", path, name, len(found),
			found[0].Service.Name, name, found[1].Service.Name, name)
	case found[0].StreamResult || found[0].StreamParam != nil:
		return nil, fmt.Errorf("%s has a stream; only calls with one answer can be made from the command line", name)
	}
	return found[0], nil
}

// A remoteError is an exception or an error that the other side answered with.
type remoteError struct {
	kind    string // the exception's name, or the code's; empty where the message begins with the code
	message string
	fields  string // an exception's other fields, as JSON; empty for none
}

func (e *remoteError) Error() string {
	if e.kind == "" {
		return e.message
	}
	return strings.TrimRight(e.kind+": "+e.message+" "+e.fields, " ")
}
