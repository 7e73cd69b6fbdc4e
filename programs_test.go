package yodel_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/testenv"
)

// Programs that know nothing of Yodel, against one port.
func TestProgramsThatEverybodyHas(t *testing.T) {
	t.Parallel()
	address := serveTCP(t, yodel.ServerOptions{TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}})
	host, port, _ := net.SplitHostPort(address)
	typed := func(contentType string) string { return "Content-Type: " + contentType }
	const quotient = "{\"result\": 2}\r\n"
	plain, secure := "http://"+address+"/", "https://"+address+"/"
	for _, test := range []struct {
		name, stdin string
		command     []string
		want        string
	}{
		{"curl", "", []string{"curl", "-sS", "-d", jsonRequest, plain}, quotient},
		{"curl, typed", "", []string{"curl", "-sS", "-H", typed("application/json"), "-d", jsonRequest, plain}, quotient},
		{"curl, basic", basicRequest, []string{"curl", "-sS", "-H", typed("binary"), "--data-binary", "@-", plain},
			basicResponse},
		{"curl, page", "", []string{"curl", "-sS", plain}, "float Divide.divide(1:int num1, 2:int num2=1)"},
		{"curl, HTTP/2", "", []string{"curl", "-sS", "--http2-prior-knowledge", "-d", jsonRequest, plain}, quotient},
		{"curl, TLS", "", []string{"curl", "-sSk", "-d", jsonRequest, secure}, quotient},
		{"curl, TLS with HTTP/2", "", []string{"curl", "-sSk", "--http2", "-d", jsonRequest, secure}, quotient},
		{"nc, line", jsonRequest + "\n", []string{"nc", "-N", host, port}, quotient},
		{"nc, two lines", jsonRequest + "\n" + jsonRequest + "\n", []string{"nc", "-N", host, port}, quotient + quotient},
		{"nc, basic", basicRequest + basicRequest, []string{"nc", "-N", host, port}, basicResponse + basicResponse},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, testenv.Need(t, test.command[0]), test.command[1:]...)
			cmd.Stdin = strings.NewReader(test.stdin)
			got, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(got), test.want) {
				t.Errorf("%q says %q, %v; want %q", test.command, got, err, test.want)
			}
		})
	}
}

func TestEveryProtocolInsideTLS(t *testing.T) {
	t.Parallel()
	address := serveTCP(t, yodel.ServerOptions{TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}})
	for _, test := range spoken {
		t.Run(test.name, func(t *testing.T) {
			nc, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			send(t, nc, test.request, test.response)
		})
	}
	secure := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	wantQuotient(t, dial(t, yodel.DialOptions{Dialer: secure.DialContext}, address))
	wantQuotient(t, dial(t, yodel.DialOptions{}, address))
}

// certificate returns one for tests, which nobody has signed.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
