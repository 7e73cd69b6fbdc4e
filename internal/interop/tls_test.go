package interop_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/tlstest"
)

// A folder has the files of an authority and of what it has issued, by their names.
type folder struct {
	t   *testing.T
	dir string
}

func (f folder) file(name string, text []byte) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// pair writes a certificate and its key.
func (f folder) pair(name string, c tls.Certificate) []string {
	certificate, key := tlstest.PEM(f.t, c)
	return []string{f.file(name+".crt", certificate), f.file(name+".key", key)}
}

// certificate writes a certificate alone.
func (f folder) certificate(name string, c tls.Certificate) string { return f.pair(name, c)[0] }

// serveTLS serves every.yodel with the given TLS, nil for none, until the test ends.
func serveTLS(t *testing.T, config *tls.Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := yodel.ServerOptions{TLS: config}.NewServer(every.NewEchoService(newEcho()), every.NewService(divider{}))
	go srv.Serve(context.Background(), ln)
	t.Cleanup(func() { srv.Close() })
	return ln.Addr().String()
}

func TestPythonClientInsideTLS(t *testing.T) {
	t.Parallel()
	a, other := tlstest.New(t, "authority"), tlstest.New(t, "other")
	f := folder{t, t.TempDir()}
	ca := f.certificate("ca", a.Signer)
	good, wrong := f.pair("good", a.Issue("somebody")), f.pair("wrong", other.Issue("somebody"))
	var targets, names, wants []string
	named := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	for _, test := range []struct {
		name   string
		server *tls.Config
		secure string // "s" in the target
		args   []string
		want   string
	}{
		{"TLS", a.Server(), "s", []string{ca}, "fine"},
		{"TLS by the argument alone", a.Server(), "", []string{ca}, "fine"},
		{"both sides verified", a.Mutual(), "s", append([]string{ca}, good...), "fine"},
		{"the system's authorities", a.Server(), "s", []string{"-"}, "is of an authority that this side does not know"},
		{"plaintext to TLS", a.Server(), "", []string{"-"}, "this port speaks TLS only"},
		{"TLS to plaintext", nil, "s", []string{ca}, "does not speak TLS"},
		{"a wrong name", named(a.Issue("other.test")), "s", []string{ca}, "is not for the name 127.0.0.1"},
		{"an unknown authority", other.Server(), "s", []string{ca}, "is of an authority that this side does not know"},
		{"an expired certificate", named(a.Expired("127.0.0.1")), "s", []string{ca},
			"is not valid now: certificate has expired"},
		{"no client's certificate", a.Mutual(), "s", []string{ca},
			"the server demands a client's certificate, and got none"},
		{"a wrong client's certificate", a.Mutual(), "s", append([]string{ca}, wrong...),
			"the server refused the client's certificate"},
	} {
		for _, scheme := range []string{"basic", "line", "mux"} {
			target := scheme + test.secure + "://" + serveTLS(t, test.server)
			targets = append(targets, strings.Join(append([]string{target}, test.args...), ","))
			names, wants = append(names, test.name+"/"+scheme), append(wants, test.want)
		}
	}
	out, err := python(t, "tls_client.py", targets...).CombinedOutput()
	lines := strings.Split(string(out), "\n")
	if err != nil || len(lines) != len(wants)+1 {
		t.Fatalf("%v: it says\n%s", err, out)
	}
	for i, want := range wants {
		if !strings.Contains(lines[i], want) {
			t.Errorf("%s: it says\n%s\nwant %s", names[i], lines[i], want)
		}
	}
}

func TestPythonServerInsideTLS(t *testing.T) {
	t.Parallel()
	a, other := tlstest.New(t, "authority"), tlstest.New(t, "other")
	f := folder{t, t.TempDir()}
	ca, pair := f.certificate("ca", a.Signer), f.pair("server", a.Issue("127.0.0.1"))
	for _, class := range []string{"Server", "ThreadServer"} {
		for _, scheme := range []string{"basic", "line", "mux"} {
			t.Run(class+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				address, _, _ := startPythonServer(t, append([]string{class}, pair...)...)
				dial := func(scheme string, config *tls.Config) *yodel.Channel {
					ch, err := yodel.DialOptions{TLS: config}.Dial(scheme + "://" + address)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { ch.Close() })
					return ch
				}
				failing := func(ch *yodel.Channel, want string) {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					defer cancel()
					defer ch.Close() // a Server has one connection at a time
					if _, err := every.NewClient(ch).Divide(ctx, 1); err == nil ||
						!strings.Contains(err.Error(), want) {
						t.Errorf("err = %v; want %s", err, want)
					}
				}
				failing(dial(scheme, nil), "this port speaks TLS only")
				failing(dial(scheme, other.Client()), "is of an authority that this side does not know")
				ch := dial(scheme+"s", a.Client())
				testValues(t, every.NewEchoClient(ch))
				testCalls(t, every.NewEchoClient(ch), every.NewClient(ch))
				testExceptions(t, every.NewEchoClient(ch))
				ch.Close()

				address, _, _ = startPythonServer(t, append([]string{class}, append(pair, ca)...)...)
				failing(dial(scheme, a.Client()), "the server demands a client's certificate, and got none")
				wrong := other.Issue("somebody")
				config := a.Client()
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &wrong, nil
				}
				failing(dial(scheme, config), "the server refused the client's certificate")
				failing(dial(scheme, nil), "this port speaks TLS only")
				good := dial(scheme, a.Client(a.Issue("somebody")))
				if got, err := every.NewClient(good).Divide(t.Context(), 200); got != 200 || err != nil {
					t.Errorf("with a certificate: %v, %v", got, err)
				}
				good.Close()

				address, _, _ = startPythonServer(t, class)
				failing(dial(scheme, a.Client()), "does not speak TLS")
			})
		}
	}
}
