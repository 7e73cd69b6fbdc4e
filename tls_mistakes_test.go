package yodel_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// A mistake is one that people make with TLS, and how both sides name it.
type mistake struct {
	name   string
	server func(a, other *tlstest.Authority) *tls.Config
	client func(a, other *tlstest.Authority) *tls.Config
	target func(scheme string) string // the target's scheme; the protocol's inside TLS unless it is set

	clientSays, serverSays string
}

var mistakes = []mistake{
	{
		name:       "plaintext to TLS",
		server:     func(a, _ *tlstest.Authority) *tls.Config { return a.Server() },
		client:     func(_, _ *tlstest.Authority) *tls.Config { return nil },
		target:     func(scheme string) string { return scheme },
		clientSays: "this port speaks TLS only: connect with TLS, as a Yodel client does for the target SCHEMEs://",
		serverSays: "it speaks SCHEME without TLS, which ServerOptions.TLS demands",
	},
	{
		name:       "TLS to plaintext",
		server:     func(_, _ *tlstest.Authority) *tls.Config { return nil },
		client:     func(a, _ *tlstest.Authority) *tls.Config { return a.Client() },
		clientSays: `ADDRESS does not speak TLS: it answers with \"This \"; dial it without TLS`,
		serverSays: "it speaks TLS, but the server has no certificate: ServerOptions.TLS is nil",
	},
	{
		name: "a wrong name",
		server: func(a, _ *tlstest.Authority) *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{a.Issue("other.test")}}
		},
		client: func(a, _ *tlstest.Authority) *tls.Config { return a.Client() },
		clientSays: `the certificate of ADDRESS (subject \"CN=other.test\", issuer \"CN=authority\") is not for the ` +
			`name ` +
			`127.0.0.1: dial a name that it is for, or set DialOptions.TLS.ServerName`,
		serverSays: "the client refused the server's certificate (tls: bad certificate)",
	},
	{
		name:   "an unknown authority",
		server: func(_, other *tlstest.Authority) *tls.Config { return other.Server() },
		client: func(a, _ *tlstest.Authority) *tls.Config { return a.Client() },
		clientSays: `the certificate of ADDRESS (subject \"CN=127.0.0.1\", issuer \"CN=other\") is of an authority ` +
			`that this ` +
			`side does not know: put that into DialOptions.TLS.RootCAs`,
		serverSays: "the client refused the server's certificate (tls: bad certificate)",
	},
	{
		name: "an expired certificate",
		server: func(a, _ *tlstest.Authority) *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{a.Expired("server")}}
		},
		client:     func(a, _ *tlstest.Authority) *tls.Config { return a.Client() },
		clientSays: `the certificate of ADDRESS (subject \"CN=server\", issuer \"CN=authority\") is not valid after 20`,
		serverSays: "the client refused the server's certificate (tls: bad certificate)",
	},
	{
		name:       "no client's certificate",
		server:     func(a, _ *tlstest.Authority) *tls.Config { return a.Mutual() },
		client:     func(a, _ *tlstest.Authority) *tls.Config { return a.Client() },
		clientSays: "the server demands a client's certificate, and got none: set DialOptions.TLS.Certificates",
		serverSays: "the client has no certificate, which the server demands",
	},
	{
		name:   "a wrong client's certificate",
		server: func(a, _ *tlstest.Authority) *tls.Config { return a.Mutual() },
		client: func(a, other *tlstest.Authority) *tls.Config {
			c := a.Client()
			wrong := other.Issue("somebody")
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &wrong, nil }
			return c
		},
		clientSays: "the server refused the client's certificate: its log says why",
		serverSays: `the client's certificate (subject \"CN=somebody\", issuer \"CN=other\") is of an authority ` +
			`that is not in ServerOptions.TLS.ClientCAs`,
	},
	{
		name:       "an expired client's certificate",
		server:     func(a, _ *tlstest.Authority) *tls.Config { return a.Mutual() },
		client:     func(a, _ *tlstest.Authority) *tls.Config { return a.Client(a.Expired("late")) },
		clientSays: "the server refused the client's certificate: its log says why",
		serverSays: `the client's certificate (subject \"CN=late\", issuer \"CN=authority\") is not valid after 20`,
	},
}

// Each of the usual mistakes ends in an error that names it, at both sides, over every protocol and with TLS 1.2 and
// 1.3.
func TestMistakesOfTLSAreNamed(t *testing.T) {
	t.Parallel()
	a, other := tlstest.New(t, "authority"), tlstest.New(t, "other")
	for _, m := range mistakes {
		for _, scheme := range schemes {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				t.Run(fmt.Sprintf("%s/%s/%s", m.name, scheme, tls.VersionName(version)), func(t *testing.T) {
					t.Parallel()
					m.test(t, a, other, scheme, version)
				})
			}
		}
	}
}

func (m *mistake) test(t *testing.T, a, other *tlstest.Authority, scheme string, version uint16) {
	var log logged
	address := serveTCP(t, yodel.ServerOptions{TLS: m.server(a, other), Logger: log.logger()})
	target := scheme + "s"
	if m.target != nil {
		target = m.target(scheme)
	}
	options := yodel.DialOptions{TLS: m.client(a, other), WaitForReady: true} // which must not wait for ever
	if options.TLS != nil {
		options.TLS.MaxVersion = version
	}
	client := dial(t, options, target+"://"+address)
	filled := strings.NewReplacer("ADDRESS", address, "SCHEME", scheme, `\"`, `"`).Replace
	for i := range 2 { // the second call comes when the channel knows
		_, err := client.Divide(t.Context(), 200)
		if err == nil {
			t.Fatal("the call succeeded")
		}
		if i == 1 && m.target != nil && strings.Contains(err.Error(), "closed") {
			continue // it went out before the end of the first one's connection was seen
		}
		want := filled(m.clientSays)
		if m.name == "no client's certificate" && version == tls.VersionTLS12 {
			want = "DialOptions.TLS.Certificates" // TLS 1.2 has one alert for all certificates
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the client says\n%v\nwant\n%s", err, want)
		}
		if advice := "if it speaks basic"; strings.Contains(err.Error(), advice) {
			t.Errorf("the client gives advice about other protocols: %v", err)
		}
		if e, ok := errors.AsType[*rpc.Error](err); ok && e.Outcome == rpc.OutcomeUnknown && scheme == "mux" {
			t.Errorf("it is unknown whether the call ran: %v", err)
		}
	}
	if want := strings.ReplaceAll(m.serverSays, "SCHEME", scheme); !eventually(func() bool {
		return strings.Contains(log.String(), want)
	}) {
		t.Errorf("the server's log says\n%s\nwant\n%s", log.String(), want)
	}
}

// eventually reports whether f becomes true within ten seconds.
func eventually(f func() bool) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if f() {
			return true
		}
	}
	return f()
}
