package yodel

import (
	"io"
	"net"
	"strings"
	"testing"
)

// kinds are beginnings of connections, and what they tell.
var kinds = map[string]kind{
	"":                 undecided,
	"\x00":             speaksBasic,
	"{":                speaksLine,
	"\r\n{":            speaksLine,
	"\t":               speaksLine,
	"\x16\x03\x01":     speaksTLS,
	"\xd7":             undecided,
	"\xd7YD":           undecided,
	"\xd7YDL\x01":      speaksMux,
	"\xd7YDX":          speaksNone,
	"G":                undecided,
	"GET":              undecided,
	"GET /":            speaksWeb,
	"GETTING":          speaksNone,
	"P":                undecided,
	"PO":               undecided,
	"POST ":            speaksWeb,
	"PUT ":             speaksWeb,
	"PATCH ":           speaksWeb,
	"PRI * H":          undecided,
	"PRI * HTTP/2.0\r": speaksWeb,
	"PRI * X":          speaksNone,
	"OPTIONS ":         speaksWeb,
	"get /":            speaksNone,
	"\x01":             speaksNone,
	"\xff\xff\xff\xff": speaksNone,
}

func TestFirstBytesTell(t *testing.T) {
	t.Parallel()
	for head, want := range kinds {
		if got := tellKind([]byte(head)); got != want {
			t.Errorf("%q: kind %d; want %d", head, got, want)
		}
	}
}

// What a connection speaks does not depend on how its bytes arrive, and nothing of them is lost.
func FuzzSniff(f *testing.F) {
	for head := range kinds {
		f.Add([]byte(head), 1)
		f.Add([]byte(head), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		piece = max(1, piece)
		here, there := net.Pipe()
		defer here.Close()
		go func() {
			defer there.Close()
			for rest := data; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				if _, err := there.Write(rest[:min(piece, len(rest))]); err != nil {
					return
				}
			}
		}()
		k, head, err := sniff(here)
		if k <= speaksNone {
			if want := tellKind(data); want > speaksNone {
				t.Fatalf("%q in pieces of %d: kind %d, %v; want %d", data, piece, k, err, want)
			}
			return
		}
		rest, _ := io.ReadAll(here)
		if k != tellKind(data) || string(head)+string(rest) != string(data) {
			t.Fatalf("%q in pieces of %d: kind %d, then %q and %q", data, piece, k, head, rest)
		}
	})
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"", ":1", "localhost:8000", "[::1]:http", "line://a:1", "unix:///s", "mux+unix:///s", "basic+tcp://a:1", "+://", "muxs://a:1", "https+unix:///s", "s://a:1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := parseTarget(s)
		if err != nil {
			return
		}
		scheme := target.scheme
		if target.secure {
			scheme += "s"
		}
		again := scheme + "+" + target.network + "://" + target.address
		if same, err := parseTarget(again); err != nil || same != target {
			t.Fatalf("%q is %+v, but %q is %+v (%v)", s, target, again, same, err)
		}
		if target.network == "unix" && !strings.HasPrefix(target.address, "/") {
			t.Fatalf("%q is the path %q", s, target.address)
		}
	})
}
