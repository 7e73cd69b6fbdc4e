package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strconv"
	"time"
)

// A Peer is the other end of a connection. Whoever accepted or dialed the connection makes one, before it hands the
// connection to a protocol; nothing changes in it afterwards, so that all calls of the connection share it.
type Peer struct {
	Protocol string               // "mux", "basic", "line", "http"; "in-process" without a connection
	Addr     net.Addr             // its address
	TLS      *tls.ConnectionState // of the handshake, which is over; nil without TLS
	Unix     *UnixCredentials     // of the process at the other end of a unix socket; nil elsewhere
	Accepted time.Time            // when a server's peer connected; zero for when its protocol gets it

	base context.Context // where handlers' contexts look for values; nil for nowhere
}

// UnixCredentials are what the system, not the peer, says of the process at the other end of a unix socket, as it was
// when it connected: or, at a client, when the server began to listen, so that the PID of a server with several
// processes is that of their supervisor. Linux and macOS tell; elsewhere a Peer has none.
//
// UID and GID, the effective ones, are what to decide on. Linux maps those of another user namespace, to 65534 where
// there is no other number. PID is for logs: the process may have passed the socket on or ended, and the number be in
// use again.
type UnixCredentials struct {
	UID, GID uint32
	PID      int // 0 where it is not known, as of a process in a container that this one does not see
}

// FirstBy returns when the first message of the peer has to be there that l bounds by FirstByte.
func (p *Peer) FirstBy(l ServerLimits) time.Time {
	if p.Accepted.IsZero() {
		return time.Now().Add(l.FirstByte)
	}
	return p.Accepted.Add(l.FirstByte)
}

// InProcess is the Protocol of the peers of calls that stay within the process.
const InProcess = "in-process"

// Confidential reports whether nobody on the way can read what p is sent: inside TLS, over a unix socket, or within the
// process. It is false for a nil Peer.
func (p *Peer) Confidential() bool {
	switch {
	case p == nil:
		return false
	case p.TLS != nil, p.Unix != nil, p.Protocol == InProcess:
		return true
	}
	return p.Addr != nil && p.Addr.Network() == "unix"
}

// Host returns the peer's address without its port, which differs from connection to connection; of a unix socket,
// whose clients have no address, the user, "uid:1000". It is "" where nothing is known, and for a nil Peer.
func (p *Peer) Host() string {
	switch {
	case p == nil:
		return ""
	case p.Unix != nil:
		return "uid:" + strconv.FormatUint(uint64(p.Unix.UID), 10)
	case p.Addr == nil:
		return ""
	}
	text := p.Addr.String()
	if host, _, err := net.SplitHostPort(text); err == nil {
		return host
	}
	return text
}

// Identity returns the peer's certificate if it was verified, as a server demands of all clients by
// tls.RequireAndVerifyClientCert; else nil.
func (p *Peer) Identity() *x509.Certificate {
	if p.TLS == nil || len(p.TLS.VerifiedChains) == 0 {
		return nil
	}
	return p.TLS.VerifiedChains[0][0]
}
