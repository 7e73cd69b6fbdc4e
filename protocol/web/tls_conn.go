package web

import (
	"crypto/tls"
	"net"
)

// A netHTTPConn is what net/http gets for a serverConn.
type netHTTPConn interface {
	net.Conn
	inner() *serverConn
}

func (c *serverConn) inner() *serverConn { return c }

// forNetHTTP returns what net/http gets. HTTP/2 by prior knowledge, as which HTTP/2 inside TLS is served as well, it
// takes only from a connection that does not show TLS.
func (c *serverConn) forNetHTTP() netHTTPConn {
	if c.peer.TLS == nil || c.http2 {
		return c
	}
	return &tlsServerConn{c}
}

// A tlsServerConn is a connection of HTTP/1 inside TLS. What it shows of that net/http puts into requests, and those
// see who take the connection over.
type tlsServerConn struct{ *serverConn }

// ConnectionState returns what the handshake has agreed on.
func (c *tlsServerConn) ConnectionState() tls.ConnectionState { return *c.peer.TLS }

// NetConn returns the connection of TLS itself, from which bytes may have been read already.
func (c *tlsServerConn) NetConn() net.Conn { return c.Conn }
