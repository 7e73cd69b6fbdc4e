package mux_test

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// A said is what one side says in the exchange on the page.
type said struct {
	side  string
	bytes string
}

// exchange returns what the last section of PROTOCOL.md shows.
func exchange(t *testing.T) (all []said) {
	page, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## 9. An exchange")
	line := regexp.MustCompile(`(?m)^    (caller|server|      )  (.{9})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  .*)?$`)
	for _, m := range line.FindAllStringSubmatch(section, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(m[3], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 || m[1] != "      " && m[1] != all[len(all)-1].side {
			all = append(all, said{side: m[1]})
		}
		all[len(all)-1].bytes += string(b)
	}
	return all
}

var pageDivide = rpc.NewUnary[numbers, quotient](rpc.Method{Service: "divide.Divide", Name: "divide", Own: true})

// A server says what the page says, byte for byte.
func TestPageServer(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, rpc.NewService("divide.Divide",
		pageDivide.Handle(func(_ context.Context, in *numbers, out *quotient) error {
			out.Result = float32(in.A) / float32(in.B)
			return nil
		})))
	nc, err := f.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	all := exchange(t)
	if len(all) != 6 {
		t.Fatalf("the page shows %d turns: %q", len(all), all)
	}
	for _, s := range all {
		if s.side == "caller" {
			_, _ = io.WriteString(nc, s.bytes)
			continue
		}
		got := make([]byte, len(s.bytes))
		if _, err := io.ReadFull(nc, got); err != nil || string(got) != s.bytes {
			t.Errorf("the server says % x, %v; the page says % x", got, err, s.bytes)
		}
	}
}

// A client understands the server of the page, and says the same calls, but for the settings.
func TestPageClient(t *testing.T) {
	t.Parallel()
	all := exchange(t)
	ours, theirs := net.Pipe()
	said := make(chan string, 2)
	go func() {
		_, _ = io.ReadFull(theirs, make([]byte, len(all[1].bytes)))
		for i := 1; i < len(all); i += 2 {
			_, _ = io.WriteString(theirs, all[i].bytes)
			if i+1 < len(all) {
				b := make([]byte, len(all[i+1].bytes))
				_, _ = io.ReadFull(theirs, b)
				said <- string(b)
			}
		}
		_ = readToEnd(theirs)
	}()
	c := dialOver(t, ours)
	for i, tt := range []struct {
		a, b int32
		want float32
	}{{200, 100, 2}, {7, 2, 3.5}} {
		got, err := callNumbers(t.Context(), c, pageDivide, tt.a, tt.b)
		if err != nil || got != tt.want {
			t.Errorf("divide(%d, %d) = %v, %v", tt.a, tt.b, got, err)
		}
		if s := <-said; s != all[2*i+2].bytes {
			t.Errorf("the client says % x; the page says % x", s, all[2*i+2].bytes)
		}
	}
}
