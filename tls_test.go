package yodel_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// Targets and options ask for TLS, and one of them is enough.
func TestClientsOfEverySchemeInsideTLS(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	address := serveTCP(t, yodel.ServerOptions{TLS: a.Server()})
	for _, scheme := range schemes {
		for _, target := range []string{scheme + "://" + address, scheme + "s://" + address} {
			t.Run(target[:len(target)-len(address)], func(t *testing.T) {
				testClient(t, dial(t, yodel.DialOptions{TLS: a.Client()}, target))
			})
		}
	}
	t.Run("no scheme", func(t *testing.T) { testClient(t, dial(t, yodel.DialOptions{TLS: a.Client()}, address)) })
	t.Run("the system's authorities", func(t *testing.T) {
		_, err := dial(t, yodel.DialOptions{}, "muxs://"+address).Divide(t.Context(), 1)
		if want := "of an authority that this side does not know"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v; want %q", err, want)
		}
	})
}

// A unix socket is served with and without TLS, whatever TLS is set.
func TestUnixSocketsWithTLS(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	ln := nettest.Unix.Listen(t)
	serve(t, yodel.ServerOptions{TLS: a.Mutual()}, ln)
	for _, scheme := range schemes {
		testClient(t, dial(t, yodel.DialOptions{}, scheme+"+unix://"+ln.Addr().String()))
		config := a.Client(a.Issue("somebody"))
		config.ServerName = "127.0.0.1"
		testClient(t, dial(t, yodel.DialOptions{TLS: config}, scheme+"s+unix://"+ln.Addr().String()))
	}
	_, err := yodel.DialOptions{TLS: a.Client()}.Dial("unix:///run/s")
	if err == nil || !strings.Contains(err.Error(), "set DialOptions.TLS.ServerName") {
		t.Errorf("TLS over a unix socket without a name: err = %v", err)
	}
}

// Programs that know nothing of ALPN, and those that do.
func TestEveryProtocolInsideTLS(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	address := serveTCP(t, yodel.ServerOptions{TLS: a.Server()})
	listener := serveListenerOfTLS(t, a)
	for _, test := range spoken {
		for _, address := range []string{address, listener} {
			t.Run(test.name, func(t *testing.T) {
				nc, err := tls.Dial("tcp", address, a.Client())
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				send(t, nc, test.request, test.response)
			})
		}
	}
	wantQuotient(t, dial(t, yodel.DialOptions{TLS: a.Client()}, listener))
}

// serveListenerOfTLS serves a listener whose connections are TLS already.
func serveListenerOfTLS(t *testing.T, a *tlstest.Authority) string {
	ln, err := tls.Listen("tcp", "127.0.0.1:0", a.Server())
	if err != nil {
		t.Fatal(err)
	}
	serve(t, yodel.ServerOptions{}, ln)
	return ln.Addr().String()
}

// A server that demands certificates answers no call without, however the bytes come.
func TestNothingIsServedWithoutTLS(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	for _, mode := range []yodel.Mode{yodel.Concurrent, yodel.Serial} {
		address := serveTCP(t, yodel.ServerOptions{TLS: a.Mutual(), Mode: mode})
		for _, test := range spoken {
			for _, before := range []string{"", "\r\n\r\n"} {
				t.Run(fmt.Sprintf("%v, %s after %q", mode, test.name, before), func(t *testing.T) {
					tcp, err := net.Dial("tcp", address)
					nc := must(t, tcp, err)
					nc.SetDeadline(time.Now().Add(10 * time.Second))
					io.WriteString(nc, before+test.request)
					nc.(*net.TCPConn).CloseWrite()
					got, err := io.ReadAll(nc)
					if err != nil || bytes.Contains(got, []byte(test.response)) && test.name != "http, HTTP/2" {
						t.Errorf("answered %q, %v", got, err)
					}
					if !bytes.Contains(got, []byte("this port speaks TLS only")) {
						t.Errorf("answered %q, which does not say why", got)
					}
				})
			}
		}
	}
}

// TLS inside TLS is no protocol, and names of ALPN are kept.
func TestTLSInsideTLS(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	var log logged
	address := serveTCP(t, yodel.ServerOptions{TLS: a.Server(), Logger: log.logger()})
	outer, err := tls.Dial("tcp", address, a.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	config := a.Client()
	config.ServerName = "127.0.0.1"
	if err := tls.Client(outer, config).Handshake(); err == nil {
		t.Error("a handshake inside TLS succeeded")
	}
	if !eventually(func() bool { return strings.Contains(log.String(), "it speaks TLS inside TLS") }) {
		t.Errorf("the log says\n%s", log.String())
	}
}

func TestALPNIsHeld(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	var log logged
	address := serveTCP(t, yodel.ServerOptions{TLS: a.Server(), Logger: log.logger()})
	const get, prior = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for _, test := range []struct{ agreed, request, response string }{
		{"yodel-line/1", basicRequest, `ALPN agreed on "yodel-line/1", but the connection speaks "yodel-basic/1"`},
		{"h2", basicRequest, `ALPN agreed on "h2", but the connection speaks "yodel-basic/1"`},
		{"h2", get, `ALPN agreed on \"h2\", but the connection speaks \"http/1.1\"`},
		{"h2", jsonRequest + "\n", `ALPN agreed on \"h2\", but the connection speaks \"yodel-line/1\"`},
		{"http/1.1", prior, `ALPN agreed on "http/1.1", but the connection speaks "h2"`},
		{"http/1.1", get, "float Divide.divide(1:int num1, 2:int num2=1)"},
		{"h2", prior + "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x00\x00\x00\x04\x01\x00\x00\x00\x00"},
	} {
		config := a.Client()
		config.NextProtos = []string{test.agreed}
		nc, err := tls.Dial("tcp", address, config)
		if err != nil || nc.ConnectionState().NegotiatedProtocol != test.agreed {
			t.Fatal(err, test.agreed)
		}
		send(t, nc, test.request, test.response)
		nc.Close()
	}
	config := a.Client()
	config.NextProtos = []string{"spdy/3"}
	_, err := dial(t, yodel.DialOptions{TLS: config}, address).Divide(t.Context(), 1)
	if want := `the server's TLS knows none of the protocols ["spdy/3"] of ALPN`; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("err = %v; want %s", err, want)
	}
}

// Names of ALPN that the configuration has stay, and the server's are added, also to what GetConfigForClient chooses.
func TestConfigurationsWithNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	config := a.Server()
	config.NextProtos = []string{"acme-tls/1", "http/1.1"}
	chosen := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config, nil }}
	for _, config := range []*tls.Config{config, chosen} {
		address := serveTCP(t, yodel.ServerOptions{TLS: config})
		for range 2 {
			wantQuotient(t, dial(t, yodel.DialOptions{TLS: a.Client()}, address))
		}
		client := a.Client()
		client.NextProtos = []string{"acme-tls/1"}
		nc, err := tls.Dial("tcp", address, client)
		if err != nil || nc.ConnectionState().NegotiatedProtocol != "acme-tls/1" {
			t.Fatal(err)
		}
		nc.Close()
	}
}

// An identified is a handler that answers with the length of its caller's name.
type identified struct{}

func (identified) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	peer := rpc.Info(ctx).Peer
	if peer.TLS == nil || len(peer.TLS.VerifiedChains) == 0 || peer.Identity() == nil {
		return 0, rpc.NewError(rpc.Unauthenticated, "nobody")
	}
	return float32(len(peer.Identity().Subject.CommonName)), nil
}

func TestHandlersLearnWhoCalls(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	srv := yodel.ServerOptions{TLS: a.Mutual()}.NewServer(divide.NewService(identified{}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(t.Context(), ln)
	t.Cleanup(func() { srv.Close() })
	for _, scheme := range schemes {
		options := yodel.DialOptions{TLS: a.Client(a.Issue("somebody"))}
		got, err := dial(t, options, scheme+"s://"+ln.Addr().String()).Divide(t.Context(), 1)
		if got != float32(len("somebody")) || err != nil {
			t.Errorf("%s: the handler answered %v, %v", scheme, got, err)
		}
	}
}

// The peer that interceptors see is of the TLS that a dialer of the program's own has made.
func TestPeerOfADialerWithTLS(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	address := serveTCP(t, yodel.ServerOptions{TLS: a.Server()})
	for _, scheme := range schemes {
		var subject string
		options := yodel.DialOptions{
			Dialer: (&tls.Dialer{Config: a.Client()}).DialContext,
			Interceptors: []rpc.Interceptor{func(next rpc.CallFunc) rpc.CallFunc {
				return func(ctx context.Context, c *rpc.Call) error {
					err := next(ctx, c)
					if c.Peer != nil && c.Peer.TLS != nil {
						subject = c.Peer.TLS.PeerCertificates[0].Subject.CommonName
					}
					return err
				}
			}},
		}
		if _, err := dial(t, options, scheme+"://"+address).Divide(t.Context(), 1); err != nil || subject == "" {
			t.Errorf("%s: %v; the server's certificate is of %q", scheme, err, subject)
		}
	}
}

// Half a handshake ends in the time for the first request, blocks nobody, and holds Shutdown no longer than a second.
func TestHalfAHandshake(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	var log logged
	limits := rpc.ServerLimits{FirstByte: 200 * time.Millisecond}
	address := serveTCP(t, yodel.ServerOptions{TLS: a.Server(), Limits: limits, Logger: log.logger()})
	half := func(address string) net.Conn {
		tcp, err := net.Dial("tcp", address)
		nc := must(t, tcp, err)
		io.WriteString(nc, "\x16\x03\x01\x00\xff\x01")
		return nc
	}
	nc := half(address)
	wantQuotient(t, dial(t, yodel.DialOptions{TLS: a.Client()}, address))
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(nc); errors.Is(err, context.DeadlineExceeded) {
		t.Error("it is not closed")
	}
	if want := "it has not finished the TLS handshake in time"; !strings.Contains(log.String(), want) {
		t.Errorf("the log says\n%s\nwant %s", log.String(), want)
	}

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, yodel.ServerOptions{TLS: a.Server()}, ln)
	half(ln.Addr().String())
	wantQuotient(t, dial(t, yodel.DialOptions{TLS: a.Client()}, ln.Addr().String()))
	began := time.Now()
	if err := srv.Shutdown(t.Context()); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("Shutdown took %v: %v", time.Since(began), err)
	}
}

// A function of the configuration that panics costs its connection alone, and the log has no arguments of functions.
func TestConfigurationsThatPanic(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	for _, mode := range []yodel.Mode{yodel.Concurrent, yodel.Serial} {
		var log logged
		var once sync.Once
		config := a.Server()
		config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			once.Do(func() { panic("a panic") })
			return nil, nil
		}
		address := serveTCP(t, yodel.ServerOptions{Mode: mode, TLS: config, Logger: log.logger()})
		if nc, err := tls.Dial("tcp", address, a.Client()); err == nil {
			t.Error("a connection was made")
			nc.Close()
		}
		wantQuotient(t, dial(t, yodel.DialOptions{TLS: a.Client()}, address))
		for _, want := range []string{"serving the connection of 127.0.0.1:", "panicked", "a panic", "tls_test.go"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, log.String())
			}
		}
		if strings.Contains(log.String(), "0x") {
			t.Errorf("the log has arguments:\n%s", log.String())
		}
	}
}
