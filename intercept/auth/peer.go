package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"strconv"

	"github.com/yodelrpc/yodel/rpc"
)

// Certificates returns the authenticator of calls over a connection whose client has shown a certificate that was
// verified, as tls.RequireAndVerifyClientCert or tls.VerifyClientCertIfGiven demand: see yodel.TLSFiles. One that was
// not verified proves nothing, and counts as none.
//
// identify says whose it is, or returns an error; nil takes the subject's common name, and refuses certificates without
// one. An identity without a Kind is of the kind "certificate".
func Certificates(identify func(*x509.Certificate) (*Identity, error)) Authenticator {
	if identify == nil {
		identify = commonName
	}
	return func(_ context.Context, c *rpc.Call) (*Identity, error) {
		if c.Peer == nil {
			return nil, nil
		}
		certificate := c.Peer.Identity()
		if certificate == nil {
			return nil, nil
		}
		return proved("certificate", identify, certificate)
	}
}

func commonName(certificate *x509.Certificate) (*Identity, error) {
	if certificate.Subject.CommonName == "" {
		return nil, errors.New("the certificate's subject has no common name")
	}
	return &Identity{Name: certificate.Subject.CommonName}, nil
}

// Unix returns the authenticator of calls over a unix socket, of which the system says whose process is at the other
// end. identify says who that is, or returns an error; nil names all by their user's number, "uid:1000". An identity
// without a Kind is of the kind "unix".
func Unix(identify func(rpc.UnixCredentials) (*Identity, error)) Authenticator {
	if identify == nil {
		identify = func(u rpc.UnixCredentials) (*Identity, error) {
			return &Identity{Name: "uid:" + strconv.FormatUint(uint64(u.UID), 10)}, nil
		}
	}
	return func(_ context.Context, c *rpc.Call) (*Identity, error) {
		if c.Peer == nil || c.Peer.Unix == nil {
			return nil, nil
		}
		return proved("unix", identify, *c.Peer.Unix)
	}
}

// proved returns whose proof it is.
func proved[T any](kind string, identify func(T) (*Identity, error), proof T) (*Identity, error) {
	who, err := identify(proof)
	switch {
	case err != nil:
		return nil, err
	case who == nil:
		return nil, errors.New("what identifies the " + kind + " returned neither an identity nor an error")
	}
	return who.of(kind), nil
}
