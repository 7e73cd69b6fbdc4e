// Package tlstest makes certificates for tests.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// An Authority signs certificates for tests.
type Authority struct {
	tb     testing.TB
	Signer tls.Certificate // its own, with the key
	Pool   *x509.CertPool  // it alone
}

// New returns an authority with the given name.
func New(tb testing.TB, name string) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, Pool: x509.NewCertPool()}
	a.Signer = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.Pool.AddCert(a.Signer.Leaf)
	return a
}

// sign completes template and signs it, with its own key if the authority has none yet.
func (a *Authority) sign(template *x509.Certificate) tls.Certificate {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := template, any(key)
	if a.Signer.Leaf != nil {
		parent, signer = a.Signer.Leaf, a.Signer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Issue returns a certificate for a name or an address.
func (a *Authority) Issue(name string) tls.Certificate {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	return a.sign(template)
}

// Expired returns a certificate for a name that ended an hour ago.
func (a *Authority) Expired(name string) tls.Certificate {
	return a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	})
}

// Server returns the TLS of a server at 127.0.0.1.
func (a *Authority) Server() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.Issue("127.0.0.1")}}
}

// Mutual is Server for one that demands a certificate of every client.
func (a *Authority) Mutual() *tls.Config {
	c := a.Server()
	c.ClientCAs, c.ClientAuth = a.Pool, tls.RequireAndVerifyClientCert
	return c
}

// Client returns the TLS of a client that trusts the authority, with the given certificates.
func (a *Authority) Client(certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: a.Pool, Certificates: certificates}
}

// PEM returns a certificate and its key as text.
func PEM(tb testing.TB, c tls.Certificate) (certificate, key []byte) {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
