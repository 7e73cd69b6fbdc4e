package mux_test

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/compress/s2"
	"github.com/yodelrpc/yodel/compress/zstd"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// The example on the page is what a client sends, and a server reads it.
func TestCompressionOnThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "with the codecs `s2,zstd`:\n")
	example, _, _ = strings.Cut(example, "## ")
	var call []byte
	for line := range strings.Lines(example) {
		if len(line) > 15 {
			b, _, _ := strings.Cut(line[15:], "   ")
			part, err := hex.DecodeString(strings.ReplaceAll(b, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			call = append(call, part...)
		}
	}
	eager := s2.Codec()
	eager.Floor = 1
	f := serveCompressing(t, nettest.TCP, always(s2.Codec(), zstd.Codec()), handlers{}.service())
	r := rawCompressing(t, f, "s2,zstd")
	want := "\x0a\x28" + strings.Repeat("a", 40)
	r.send(frame(tCall, fName, 0, 0, named("test.Test/echo")) + string(call)) // whose argument number 1 is bytes, too
	r.read()
	if got := r.read(); got.kind != tResult || got.body != want {
		t.Errorf("the server answers %+v", got)
	}
	sent := make(chan string, 1)
	ours, theirs := net.Pipe()
	server := raw{t, theirs}
	go func() {
		_, _ = io.ReadFull(theirs, make([]byte, len(hello)))
		_ = server.read() // the client's settings
		server.send(hello + frame(tSettings, 0, 0, 0, codecSetting("s2,zstd")))
		got := server.read()
		sent <- got.body[len(named("test.Test/echo")):]
		_ = theirs.Close()
	}()
	c, err := mux.Dial(t.Context(), rpc.ConnOptions{
		Dial:     func(context.Context) (net.Conn, error) { return ours, nil },
		Compress: always(eager),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = callEcho(t.Context(), c, []byte(want[2:]))
	if got := <-sent; got != string(call[12:]) {
		t.Errorf("the client sends % x, the page has % x", got, call[12:])
	}
}
