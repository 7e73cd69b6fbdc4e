package yodel

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"github.com/yodelrpc/yodel/rpc"
)

// clientTLS returns the TLS of a channel to t, which p speaks, with the name that the server's certificate has to be
// for; nil for none.
func (o DialOptions) clientTLS(t target, p *rpc.Protocol) (*tls.Config, error) {
	if !t.secure && o.TLS == nil {
		return nil, nil
	}
	c := new(tls.Config)
	if o.TLS != nil {
		c = o.TLS.Clone()
	}
	if c.NextProtos == nil {
		if name := spoken(p, nil); name != "" {
			c.NextProtos = []string{name}
		}
	}
	c.ServerName = cmp.Or(c.ServerName, t.host())
	if c.ServerName == "" && !c.InsecureSkipVerify {
		return nil, errors.New("TLS over a unix socket needs the name that the server's certificate is for: set " +
			serverName)
	}
	return c, nil
}

// host returns the name of the target's host; "" for a unix socket.
func (t target) host() string {
	if t.network == "unix" {
		return ""
	}
	host, _, _ := net.SplitHostPort(t.address)
	host, _, _ = strings.Cut(host, "%") // the zone of an address is no part of a certificate
	return cmp.Or(strings.TrimSuffix(host, "."), "localhost")
}

// secure returns the inside of a TLS that it begins on nc, which it closes when that fails.
func secure(ctx context.Context, nc net.Conn, address string, config *tls.Config) (net.Conn, error) {
	if _, ok := nc.(*tls.Conn); ok {
		nc.Close()
		return nil, errors.New(
			"DialOptions.Dialer made a TLS connection, where the target or DialOptions.TLS asks for TLS " +
				"inside of it: leave TLS to one of them")
	}
	inner := tls.Client(nc, config)
	err := inner.HandshakeContext(ctx)
	if err == nil {
		return &secureConn{inner, config}, nil
	}
	nc.Close()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, clientHandshakeError(err, address, config)
}

// A secureConn is a client's TLS connection on which what the server says against the client's certificate has a name.
type secureConn struct {
	*tls.Conn
	config *tls.Config
}

func (c *secureConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		if refused := refusedByServer(err, c.config); refused != nil {
			err = refused
		}
	}
	return n, err
}
