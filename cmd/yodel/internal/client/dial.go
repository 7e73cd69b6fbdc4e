package client

import (
	"strings"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
)

// dialOptions fills the options that the flags of TLS choose, and makes sure that there is such an address.
func (o *Options) dialOptions(c *Call) error {
	c.Dial.DialTimeout = c.Timeout
	if o.secure || o.files != (yodel.TLSFiles{}) || o.serverName != "" {
		if (o.files.Certificate == "") != (o.files.Key == "") {
			return cli.Usagef("--cert and --key go together")
		}
		config, err := o.files.Client()
		if err != nil {
			return err
		}
		config.ServerName = o.serverName
		c.Dial.TLS = config
	}
	if _, path, _ := strings.Cut(c.Target, "unix://"); path != "" && o.serverName == "" &&
		(c.Dial.TLS != nil || strings.HasSuffix(c.Protocol, "s")) {
		return cli.Usagef(
			"TLS over a unix socket needs the name that the server's certificate is for: add --server-name")
	}
	ch, err := c.Dial.Dial(c.Target)
	if err != nil {
		return cli.Usagef("%v", err)
	}
	return ch.Close()
}
