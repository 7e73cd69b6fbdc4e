// Package client is what "yodel call" and "yodel bench" have in common: the flags of a client, and a call that is ready
// to be made through the front door, with a definition (package dynamic) or, as JSON, without one.
package client

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/rpc"
)

// DefaultTimeout is how long a call may take where neither the command line nor the definition says.
const DefaultTimeout = 10 * time.Second

// Options are the flags of a client.
type Options struct {
	File    string        // the definition; empty for none
	Timeout time.Duration // of one call; 0 for the default

	headers    []string
	secure     bool
	files      yodel.TLSFiles
	serverName string
}

// AddFlags adds the flags to a command.
func (o *Options) AddFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.File, "file", "f", "", "definition of the method, which mux and basic need")
	f.DurationVar(&o.Timeout, "timeout", 0, "how long a call may take (default the method's @timeout, or 10s)")
	f.StringArrayVarP(&o.headers, "header", "H", nil,
		"metadata of each call, as 'key: value' (repeatable; mux and http)")
	f.BoolVar(&o.secure, "tls", false,
		"speak TLS; the flags below say so, too, as do muxs://, basics://, lines://, https://")
	f.StringVar(&o.files.CA, "ca", "", "PEM file of the authorities to trust, in place of the system's")
	f.StringVar(&o.files.Certificate, "cert", "", "PEM file of the client's certificate")
	f.StringVar(&o.files.Key, "key", "", "PEM file of the certificate's key")
	f.StringVar(&o.serverName, "server-name", "",
		"name that the server's certificate is for (default the address's host)")
	_ = cmd.MarkFlagFilename("file", "yodel")
	for _, name := range []string{"ca", "cert", "key"} {
		_ = cmd.MarkFlagFilename(name, "pem", "crt", "key")
	}
	given := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if o.Timeout < 0 || o.Timeout == 0 && cmd.Flags().Changed("timeout") {
			return cli.Usagef("--timeout %v: write a time above 0, as in 10s", o.Timeout)
		}
		if given != nil {
			return given(cmd, args)
		}
		return nil
	}
}

// A Call is a call that is ready to be made.
type Call struct {
	Target   string            // for Dial
	Protocol string            // "mux", "basics"
	Method   *dynamic.Method   // nil without a definition
	Dial     yodel.DialOptions // the command line's
	Timeout  time.Duration     // of one call; 0 for none, as of a method with a stream
	Metadata []string          // keys and values

	name   string
	args   *dynamic.Message // with a definition
	params []byte           // without one
}

// Prepare reads the rest of a command line: an address, a method and its parameters. What it finds wrong is either a
// usage error or what the definition does not allow; nothing is sent.
func (o *Options) Prepare(address, method string, args []string) (*Call, error) {
	c := &Call{Target: address, Protocol: protocolOf(address), Timeout: cmp.Or(o.Timeout, DefaultTimeout), name: method}
	var err error
	if err = o.dialOptions(c); err != nil {
		return nil, err
	}
	if c.Metadata, err = o.metadata(c.Protocol); err != nil {
		return nil, err
	}
	if o.File == "" {
		if err := needsDefinition(address, c.Protocol); err != nil {
			return nil, err
		}
		c.params, err = untypedParams(args)
		return c, err
	}
	if c.Method, err = o.FindMethod(method); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		c.Timeout = c.Method.Schema().Timeout
	}
	if c.Timeout == 0 && !c.Method.Streams() { // a stream may be meant to last
		c.Timeout = DefaultTimeout
	}
	c.args, err = typedParams(c.Method, args)
	return c, err
}

// protocolOf returns what an address speaks: its scheme without the network, mux where it has none.
func protocolOf(address string) string {
	scheme, _, ok := strings.Cut(address, "://")
	scheme, _, network := strings.Cut(scheme, "+")
	if !ok || scheme == "unix" && !network {
		return "mux"
	}
	return cmp.Or(scheme, "mux")
}

// namesTravel are the protocols that carry names, so that a call needs no definition.
var namesTravel = []string{"line", "lines", "http", "https"}

func needsDefinition(address, protocol string) error {
	switch {
	case slices.Contains(namesTravel, protocol), !slices.Contains([]string{"mux", "muxs", "basic", "basics"}, protocol):
		return nil // Dial knows what is wrong with the others
	case strings.Contains(address, "://"):
		return cli.Usagef("%s:// needs a definition, since names do not travel there; add -f FILE", protocol)
	}
	return cli.Usagef("%s means mux, where names do not travel; add -f FILE, or write line://%s to send JSON", address,
		address)
}

// metadata returns the keys and values of -H.
func (o *Options) metadata(protocol string) ([]string, error) {
	if len(o.headers) > 0 && slices.Contains([]string{"line", "lines", "basic", "basics"}, protocol) {
		return nil, cli.Usagef("-H: the %s protocol carries no metadata; use mux or http",
			strings.TrimSuffix(protocol, "s"))
	}
	var list []string
	for _, h := range o.headers {
		key, value, ok := strings.Cut(h, ":")
		if key = strings.TrimSpace(key); !ok || key == "" {
			return nil, cli.Usagef("-H %q has no key; write it as 'key: value'", h)
		}
		list = append(list, key, strings.TrimSpace(value))
	}
	return list, nil
}

// FindMethod returns the method of the definition that has a name.
func (o *Options) FindMethod(name string) (*dynamic.Method, error) {
	p, err := o.Load()
	if err != nil {
		return nil, err
	}
	m, err := p.Method(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	return m, nil
}

// Load returns what the definition declares.
func (o *Options) Load() (*dynamic.Package, error) {
	files, err := cli.Compile(io.Discard, o.File)
	if err != nil {
		return nil, err
	}
	return dynamic.Load(files...)
}

// Args returns the arguments of a call with a definition.
func (c *Call) Args() *dynamic.Message { return c.args }

// New returns the call for a channel. It may be made again once it has returned; several may be under way at once.
func (c *Call) New() *rpc.Call {
	if c.Method == nil {
		return dynamic.NewJSONCall(c.name, c.params)
	}
	return c.Method.NewCall(c.args)
}
