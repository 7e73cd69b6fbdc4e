package yodel

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/internal/linger"
	"github.com/yodelrpc/yodel/rpc"
)

// alpn returns the names by which TLS agrees on a protocol (ALPN, RFC 7301), in the server's order of preference.
func (s *Server) alpn() []string {
	var names []string
	for _, p := range s.protocols {
		names = append(names, p.ALPN...)
	}
	return names
}

// tlsConfig returns c with the server's names of ALPN. Those that c has stay in front.
func tlsConfig(c *tls.Config, alpn []string) *tls.Config {
	if c == nil {
		return nil
	}
	c = withALPN(c, alpn)
	if c.GetConfigForClient != nil {
		c.GetConfigForClient = withALPNForClient(c.GetConfigForClient, alpn)
	}
	return c
}

func withALPN(c *tls.Config, alpn []string) *tls.Config {
	c = c.Clone()
	c.NextProtos = slices.Clone(c.NextProtos)
	for _, name := range alpn {
		if !slices.Contains(c.NextProtos, name) {
			c.NextProtos = append(c.NextProtos, name)
		}
	}
	return c
}

// withALPNForClient adds the names to what choose returns. As a rule that is the same configuration as the last time.
func withALPNForClient(choose func(*tls.ClientHelloInfo) (*tls.Config, error),
	alpn []string) func(*tls.ClientHelloInfo) (
	*tls.Config, error,
) {
	type pair struct{ chosen, used *tls.Config }
	var last atomic.Pointer[pair]
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen, err := choose(hello)
		if chosen == nil || err != nil {
			return nil, err
		}
		p := last.Load()
		if p == nil || p.chosen != chosen {
			p = &pair{chosen, withALPN(chosen, alpn)}
			last.Store(p)
		}
		return p.used, nil
	}
}

// A refusal is why a connection is not served, where its peer can be told.
type refusal struct {
	error
	nc    net.Conn
	words []byte // as the peer's protocol says it; none where TLS has said it with an alert
}

// send writes the words to the peer, and lets it read them until the time by.
func (r *refusal) send(by time.Time) { linger.Write(r.nc, r.words, by) }

// demandsTLS reports whether nc must not be served in plaintext. Who may connect to a unix socket is for the
// permissions of its file to say, which an abstract one, @NAME, lacks. One without any name is of a pair.
func (s *Server) demandsTLS(nc net.Conn) bool {
	at := nc.LocalAddr()
	abstract := at.Network() == "unix" && len(at.String()) > 1 && at.String()[0] == '@'
	return s.tls != nil && !s.options.AllowPlaintext && (at.Network() != "unix" || abstract)
}

// refusePlaintext returns why a connection is not served that speaks p without TLS.
func (s *Server) refusePlaintext(nc net.Conn, p *rpc.Protocol, head []byte) error {
	reason := rpc.Errorf(rpc.FailedPrecondition,
		"this port speaks TLS only: connect with TLS, as a Yodel client does for the target %ss://HOST:PORT", p.Scheme)
	return &refusal{
		fmt.Errorf("it speaks %s without TLS, which ServerOptions.TLS demands; ServerOptions.AllowPlaintext would "+
			"allow it", p.Scheme),
		nc, s.serverOf(p).Refusal(head, reason),
	}
}

// noTLS is what a peer gets that begins with TLS where there is no certificate. TLS has no words for this; that the
// answer is no TLS tells its client at least what is wrong.
const noTLS = "This server speaks no TLS, for its ServerOptions.TLS is nil: connect without it.\r\n"

// refuseTLS returns why a connection is not served that begins with TLS.
func refuseTLS(nc net.Conn) error {
	return &refusal{
		errors.New("it speaks TLS, but the server has no certificate: ServerOptions.TLS is nil"), nc, []byte(noTLS),
	}
}

// shakeHands makes the handshake of inner, which is TLS over nc or nc itself, and notes in peer what it showed.
func (s *Server) shakeHands(inner *tls.Conn, nc net.Conn, peer *rpc.Peer) error {
	if err := inner.Handshake(); err != nil {
		if nc == inner {
			nc = inner.NetConn()
		}
		return &refusal{serverHandshakeError(err), nc, nil}
	}
	state := inner.ConnectionState()
	peer.TLS = &state
	return nil
}

// openTLS returns what a connection with a finished handshake speaks, which is what ALPN has agreed on, if anything.
func (s *Server) openTLS(nc *tls.Conn, peer *rpc.Peer) (opening, error) {
	d, head, err := sniff(nc, s.protocols)
	switch {
	case d.tls:
		return opening{}, errors.New("it speaks TLS inside TLS")
	case d.protocol == nil:
		return opening{}, err
	}
	// What was agreed on may also be nothing, or a name that the configuration has besides.
	name, speaks := peer.TLS.NegotiatedProtocol, spoken(d.protocol, head)
	if slices.Contains(s.alpn(), name) && speaks != name {
		reason := rpc.Errorf(rpc.FailedPrecondition, "ALPN agreed on %q, but the connection speaks %q", name,
			cmp.Or(speaks, d.protocol.Scheme))
		return opening{}, &refusal{reason, nc, s.serverOf(d.protocol).Refusal(head, reason)}
	}
	return opening{protocol: d.protocol, nc: nc, head: head}, nil
}

// prefixed is a connection of which head has been read.
type prefixed struct {
	net.Conn
	head []byte
}

// NetConn returns the connection.
func (p *prefixed) NetConn() net.Conn { return p.Conn }

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
