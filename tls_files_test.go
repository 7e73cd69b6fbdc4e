package yodel_test

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
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// A keeper writes files of TLS to a folder, each version with a time of its own.
type keeper struct {
	t       *testing.T
	dir     string
	version time.Time
}

func (k *keeper) path(name string) string { return filepath.Join(k.dir, name) }

func (k *keeper) write(name string, text []byte) {
	k.t.Helper()
	temporary := k.path("." + name)
	k.version = k.version.Add(time.Second)
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Chtimes(temporary, k.version, k.version); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Rename(temporary, k.path(name)); err != nil {
		k.t.Fatal(err)
	}
}

// put writes a certificate and its key.
func (k *keeper) put(name string, c tls.Certificate) {
	certificate, key := tlstest.PEM(k.t, c)
	k.write(name+".key", key)
	k.write(name+".crt", certificate)
}

// putAuthority writes an authority's certificate.
func (k *keeper) putAuthority(name string, a *tlstest.Authority) {
	certificate, _ := tlstest.PEM(k.t, a.Signer)
	k.write(name, certificate)
}

// Certificates and authorities that are replaced are used by the connections that follow, at both sides.
func TestFilesOfTLSAreReadAgain(t *testing.T) {
	t.Parallel()
	a, other := tlstest.New(t, "authority"), tlstest.New(t, "other")
	k := &keeper{t: t, dir: t.TempDir(), version: time.Unix(1_000_000_000, 0)}
	k.put("server", a.Issue("127.0.0.1"))
	k.put("client", a.Issue("old"))
	k.putAuthority("clients.pem", a)
	var log logged
	server, err := yodel.TLSFiles{
		Certificate: k.path("server.crt"), Key: k.path("server.key"), CA: k.path("clients.pem"), Logger: log.logger(),
	}.Server()
	if err != nil {
		t.Fatal(err)
	}
	k.putAuthority("server.pem", a)
	files := yodel.TLSFiles{Certificate: k.path("client.crt"), Key: k.path("client.key"), CA: k.path("server.pem")}
	client, err := files.Client()
	if err != nil {
		t.Fatal(err)
	}
	srv := yodel.ServerOptions{TLS: server}.NewServer(divide.NewService(named{}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(t.Context(), ln)
	t.Cleanup(func() { srv.Close() })
	ask := func() string {
		ch, err := yodel.DialOptions{TLS: client}.Dial(ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer ch.Close()
		_, err = divide.NewClient(ch).Divide(t.Context(), 1)
		return err.Error()
	}
	saysInTime := func(want string) {
		t.Helper()
		var got string
		if !eventually(func() bool { got = ask(); return strings.Contains(got, want) }) {
			t.Errorf("the server says %q; want %q", got, want)
		}
	}
	saysInTime("you are old")

	k.put("client", a.Issue("new"))
	saysInTime("you are new")

	k.write("server.crt", []byte("broken"))
	if !eventually(func() bool { ask(); return strings.Contains(log.String(), "what was read before stays in use") }) {
		t.Errorf("the log says\n%s", log.String())
	}
	saysInTime("you are new")

	k.put("server", a.Issue("127.0.0.1"))
	k.putAuthority("clients.pem", other)
	saysInTime("the server refused the client's certificate")
	k.put("client", other.Issue("stranger"))
	saysInTime("you are stranger")
}

// named is a handler that tells callers their names.
type named struct{}

func (named) Divide(ctx context.Context, _, _ int32) (float32, error) {
	return 0, rpc.Errorf(rpc.AlreadyExists, "you are %s", rpc.Info(ctx).Identity().Subject.CommonName)
}

func TestBadFilesOfTLSAreRefused(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	k := &keeper{t: t, dir: t.TempDir()}
	k.put("a", a.Issue("127.0.0.1"))
	k.put("b", a.Issue("127.0.0.1"))
	for _, test := range []struct {
		files yodel.TLSFiles
		want  string
	}{
		{yodel.TLSFiles{}, "a server needs Certificate and Key"},
		{yodel.TLSFiles{Certificate: "x"}, "go together"},
		{yodel.TLSFiles{Certificate: "/x", Key: "/y"}, "/x: no such file"},
		{yodel.TLSFiles{Certificate: k.path("a.crt"), Key: k.path("b.key")}, "private key does not match"},
		{yodel.TLSFiles{Certificate: k.path("a.crt"), Key: k.path("a.key"), CA: k.path("a.key")},
			"has no certificate in PEM"},
	} {
		if _, err := test.files.Server(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: err = %v; want %q", test.files, err, test.want)
		}
	}
}
