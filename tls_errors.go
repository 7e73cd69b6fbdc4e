package yodel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// A tlsError is why there is no TLS between two sides, as long as both stay as they are.
type tlsError struct {
	text    string
	setting string // what text tells to change, as it is written there; "" for nothing
	cause   error
}

func (e *tlsError) Error() string { return e.text + ": " + e.cause.Error() }
func (e *tlsError) Unwrap() error { return e.cause }

// Permanent says that the next attempt to connect would fail, too.
func (e *tlsError) Permanent() bool { return true }

// Setting returns the option of a channel that the text tells to change, so that a program with names of its own for
// its options, such as the tool, can put its name there.
func (e *tlsError) Setting() string { return e.setting }

func tlsErrorf(cause error, format string, args ...any) *tlsError {
	return &tlsError{text: fmt.Sprintf(format, args...), cause: cause}
}

// The options of a channel that can be wrong about TLS.
const (
	allOfTLS     = "DialOptions.TLS"
	rootCAs      = "DialOptions.TLS.RootCAs"
	certificates = "DialOptions.TLS.Certificates"
	serverName   = "DialOptions.TLS.ServerName"
)

// settingErrorf is tlsErrorf for a text that names a setting, its last argument.
func settingErrorf(cause error, setting, format string, args ...any) *tlsError {
	return &tlsError{fmt.Sprintf(format, append(args, setting)...), setting, cause}
}

// clientHandshakeError says why a handshake with the server at address has failed.
func clientHandshakeError(err error, address string, config *tls.Config) error {
	if e := refusedByServer(err, config); e != nil {
		return e
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return tlsErrorf(err, "%s does not speak TLS: it answers with %q; dial it without TLS", address,
			e.RecordHeader[:])
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return serverCertificateError(e, address, config.ServerName)
	}
	switch {
	case sentAlert(err, handshakeFailure):
		return settingErrorf(err, certificates,
			"%s refused the TLS handshake: it may share no version or cipher with this "+
				"side, or demand a client's certificate, which is for %s", address)
	case endsEarly(err):
		return fmt.Errorf("%s ended the connection during the TLS handshake; it may speak no TLS: %w", address, err)
	case isTimeout(err):
		return fmt.Errorf("%s has not answered the TLS handshake in time; it may speak no TLS: %w", address, err)
	}
	return fmt.Errorf("the TLS handshake with %s failed: %w", address, err)
}

func endsEarly(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// serverCertificateError says what is wrong with the certificate of the server at address, by which name it was to be.
func serverCertificateError(e *tls.CertificateVerificationError, address, name string) error {
	what := fmt.Sprintf("the certificate of %s%s", address, describe(e.UnverifiedCertificates))
	if wrong, ok := errors.AsType[x509.HostnameError](e.Err); ok {
		return settingErrorf(e, serverName, "%s is not for the name %s: dial a name that it is for, or set %s to one",
			what, wrong.Host)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		return settingErrorf(e, rootCAs, "%s is of an authority that this side does not know: put that into %s", what)
	}
	if when, ok := expired(e.Err); ok {
		return tlsErrorf(e, "%s is not valid %s: the server needs a new one", what, when)
	}
	return tlsErrorf(e, "%s was not accepted for the name %s", what, name)
}

// noCertificate is what package tls says on a server of a client without a certificate; it has no type for this.
const noCertificate = "tls: client didn't provide a certificate"

// serverHandshakeError says, on a server, why a handshake has failed.
func serverHandshakeError(err error) error {
	if alert := certificateAlert(err); alert != "" {
		return tlsErrorf(err, "the client refused the server's certificate (%s)", alert)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return clientCertificateError(e)
	}
	switch {
	case err.Error() == noCertificate:
		return tlsErrorf(err, "the client has no certificate, which the server demands")
	case isTimeout(err):
		return fmt.Errorf("it has not finished the TLS handshake in time: %w", err)
	case endsEarly(err):
		return fmt.Errorf("it ended the connection during the TLS handshake: %w", err)
	}
	return fmt.Errorf("the TLS handshake failed: %w", err)
}

// clientCertificateError says what is wrong with the certificate of a client.
func clientCertificateError(e *tls.CertificateVerificationError) error {
	what := "the client's certificate" + describe(e.UnverifiedCertificates)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		return tlsErrorf(e, "%s is of an authority that is not in ServerOptions.TLS.ClientCAs", what)
	}
	if when, ok := expired(e.Err); ok {
		return tlsErrorf(e, "%s is not valid %s", what, when)
	}
	return tlsErrorf(e, "%s was not accepted", what)
}

// describe returns whose the first of the certificates is, and who signed it.
func describe(certificates []*x509.Certificate) string {
	if len(certificates) == 0 {
		return ""
	}
	c := certificates[0]
	return fmt.Sprintf(" (subject %q, issuer %q)", c.Subject, c.Issuer)
}

// expired returns when a certificate is not valid, if it is so now.
func expired(err error) (when string, ok bool) {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	if !ok || invalid.Reason != x509.Expired {
		return "", false
	}
	if time.Now().Before(invalid.Cert.NotBefore) {
		return "before " + invalid.Cert.NotBefore.Format(time.RFC3339), true
	}
	return "after " + invalid.Cert.NotAfter.Format(time.RFC3339), true
}

// The alerts by which one side refuses the other's certificate (RFC 8446, section 6.2), and that which comes without
// one.
var (
	certificateAlerts   = []tls.AlertError{42, 43, 44, 45, 46, 48, 49}
	certificateRequired = tls.AlertError(116)
	noProtocol          = tls.AlertError(120)
	handshakeFailure    = tls.AlertError(40) // without a certificate, too, before TLS 1.3
)

// sentAlert reports whether err is the given alert, which the other side sent.
func sentAlert(err error, alert tls.AlertError) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "remote error" && e.Err.Error() == alert.Error() // package tls has a type of its own for these
}

func certificateAlert(err error) string {
	for _, alert := range certificateAlerts {
		if sentAlert(err, alert) {
			return alert.Error()
		}
	}
	return ""
}

// refusedByServer returns what a server's alert means to its client; nil for any other error. With TLS 1.3 it comes
// when the handshake is over for the client, at the first read.
func refusedByServer(err error, config *tls.Config) error {
	if certificateAlert(err) != "" {
		return settingErrorf(err, allOfTLS, "the server refused the client's certificate: its log says why; "+
			"the certificate is that of %s")
	}
	if sentAlert(err, certificateRequired) {
		return settingErrorf(err, certificates, "the server demands a client's certificate, and got none: set %s")
	}
	if sentAlert(err, noProtocol) {
		return tlsErrorf(err,
			"the server's TLS knows none of the protocols %q of ALPN: it does not speak the target's scheme",
			config.NextProtos)
	}
	return nil
}
