package yodel_test

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/testenv"
	"github.com/yodelrpc/yodel/internal/tlstest"
)

// Programs that know nothing of Yodel, against one port.
func TestProgramsThatEverybodyHas(t *testing.T) {
	t.Parallel()
	authority := tlstest.New(t, "authority")
	address := serveTCP(t, yodel.ServerOptions{TLS: authority.Server(), AllowPlaintext: true})
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
		{"curl, typed", "", []string{"curl", "-sS", "-H", typed("application/json"), "-d", jsonRequest, plain},
			quotient},
		{"curl, basic", basicRequest, []string{"curl", "-sS", "-H", typed("binary"), "--data-binary", "@-", plain},
			basicResponse},
		{"curl, page", "", []string{"curl", "-sS", plain}, "float Divide.divide(1:int num1, 2:int num2=1)"},
		{"curl, HTTP/2", "", []string{"curl", "-sS", "--http2-prior-knowledge", "-d", jsonRequest, plain}, quotient},
		{"curl, TLS", "", []string{"curl", "-sSk", "-d", jsonRequest, secure}, quotient},
		{"curl, TLS with HTTP/2", "", []string{"curl", "-sSk", "--http2", "-d", jsonRequest, secure}, quotient},
		{"nc, line", jsonRequest + "\n", []string{"nc", "-N", host, port}, quotient},
		{"nc, two lines", jsonRequest + "\n" + jsonRequest + "\n", []string{"nc", "-N", host, port},
			quotient + quotient},
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
