package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"iter"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"yodel": main})
}

// TestScripts runs testdata/script, which shows each subcommand with good and bad input. The environment has the
// addresses of servers of divide: SERVER, SECURE, which wants certificates, and SOCKET, a unix socket; STREAMS is one
// of the methods with streams of EVERYTHING, a definition, and SILENT takes connections and says nothing. What SECURE
// needs of its clients lies in ca.pem, client.pem and client.key; stranger.pem is another CA.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setUp,
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"code": exitCode},
	})
}

func setUp(env *testscript.Env) error {
	if err := writeCertificates(env.WorkDir); err != nil {
		return err
	}
	files := yodel.TLSFiles{
		Certificate: filepath.Join(env.WorkDir, "server.pem"), Key: filepath.Join(env.WorkDir, "server.key"),
		CA: filepath.Join(env.WorkDir, "ca.pem"),
	}
	config, err := files.Server()
	if err != nil {
		return err
	}
	for _, s := range []struct {
		variable, network, address string
		options                    yodel.ServerOptions
		service                    *rpc.Service
	}{
		{"SERVER", "tcp", "127.0.0.1:0", yodel.ServerOptions{}, divide.NewService(talkative{})},
		{"SECURE", "tcp", "127.0.0.1:0", yodel.ServerOptions{TLS: config}, divide.NewService(talkative{})},
		{"SOCKET", "unix", filepath.Join(env.WorkDir, "s"), yodel.ServerOptions{}, divide.NewService(talkative{})},
		{"STREAMS", "tcp", "127.0.0.1:0", yodel.ServerOptions{}, everything.NewCalculatorService(streamer{})},
	} {
		ln, err := net.Listen(s.network, s.address)
		if err != nil {
			return err
		}
		server := s.options.NewServer(s.service)
		served := make(chan error, 1)
		go func() { served <- server.Serve(context.Background(), ln) }()
		env.Defer(func() {
			_ = server.Close()
			<-served
		})
		env.Setenv(s.variable, ln.Addr().String())
	}
	definition, err := filepath.Abs("../../internal/everything/everything.yodel")
	if err != nil {
		return err
	}
	env.Setenv("EVERYTHING", definition)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { silent.Close() })
	env.Setenv("SILENT", silent.Addr().String())
	return nil
}

// A talkative handler sends back the metadata "trace".
type talkative struct{}

func (talkative) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	if trace := rpc.IncomingMetadata(ctx).Get("trace"); trace != "" {
		rpc.AddAnswerMetadata(ctx, "trace-was", trace)
	}
	return divider{}.Divide(ctx, num1, num2)
}

// A streamer answers the methods with streams of package everything.
type streamer struct{ everything.CalculatorHandler }

func (streamer) Ticks(_ context.Context, n int32, _ time.Duration) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		for i := int32(1); i <= n && yield(i, nil); i++ {
		}
		if n > 2 {
			yield(0, everything.NewInvalidOperation())
		}
	}
}

func (streamer) Sum(_ context.Context, nums iter.Seq2[int32, error]) (sum int64, err error) {
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += int64(n)
	}
	return sum, nil
}

func (streamer) Ratios(ctx context.Context, base int32, scale float64, s *rpc.BidiStream[float32, int32]) error {
	for n, err := range s.All() {
		if err != nil {
			return err
		}
		if err := s.Send(ctx, float32(scale)*float32(n)/float32(base)); err != nil {
			return err
		}
	}
	return nil
}

func (streamer) Drain(_ context.Context, items iter.Seq2[everything.Scalars, error]) error {
	return rpc.NewError(rpc.Aborted, "wants none of it") // while the client may still send
}

// writeCertificates writes the PEM files of an authority, a server and a client.
func writeCertificates(dir string) error {
	write := func(name, kind string, der []byte) error {
		return writePEM(filepath.Join(dir, name), kind, der)
	}
	var parent *x509.Certificate
	var parentKey *ecdsa.PrivateKey
	for i, name := range []string{"stranger", "ca", "server", "client"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name},
			DNSNames:    []string{"calc.example"},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
			NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: i < 2,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if i < 2 {
			parent, parentKey = template, key
			template.KeyUsage = x509.KeyUsageCertSign
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			return err
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		if err := errors.Join(write(name+".pem", "CERTIFICATE", der),
			write(name+".key", "PRIVATE KEY", secret)); err != nil {
			return err
		}
	}
	return nil
}

// exitCode is the script command "code N PROGRAM ARGUMENT...": the program must end with exit code N.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARGUMENT...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("the exit code is %d, want %s", got, args[0])
	}
}

func writePEM(name, kind string, der []byte) error {
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
