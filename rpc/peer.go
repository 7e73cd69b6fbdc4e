package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"
)

// A Peer is the other end of a connection. Whoever accepted or dialed the connection makes one, before it hands the
// connection to a protocol; nothing changes in it afterwards, so that all calls of the connection share it.
type Peer struct {
	Protocol string               // "mux", "basic", "line", "http"
	Addr     net.Addr             // its address
	TLS      *tls.ConnectionState // of the handshake, which is over; nil without TLS
	Accepted time.Time            // when a server's peer connected; zero for when its protocol gets it

	base context.Context // where handlers' contexts look for values; nil for nowhere
}

// FirstBy returns when the first message of the peer has to be there that l bounds by FirstByte.
func (p *Peer) FirstBy(l ServerLimits) time.Time {
	if p.Accepted.IsZero() {
		return time.Now().Add(l.FirstByte)
	}
	return p.Accepted.Add(l.FirstByte)
}

// Identity returns the peer's certificate if it was verified, as a server demands of all clients by
// tls.RequireAndVerifyClientCert; else nil.
func (p *Peer) Identity() *x509.Certificate {
	if p.TLS == nil || len(p.TLS.VerifiedChains) == 0 {
		return nil
	}
	return p.TLS.VerifiedChains[0][0]
}
