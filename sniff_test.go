package yodel

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// kinds are beginnings of connections, and what they tell.
var kinds = map[string]string{
	"":                 "more",
	"\x00":             "basic",
	"{":                "line",
	"\r\n{":            "line",
	"\t":               "line",
	"\x16\x03\x01":     "TLS",
	"\xd7":             "more",
	"\xd7YD":           "more",
	"\xd7YDL\x01":      "mux",
	"\xd7YDX":          "none",
	"G":                "more",
	"GET":              "more",
	"GET /":            "http",
	"GETTING":          "none",
	"P":                "more",
	"PO":               "more",
	"POST ":            "http",
	"PUT ":             "http",
	"PATCH ":           "http",
	"PRI * H":          "more",
	"PRI * HTTP/2.0\r": "http",
	"PRI * X":          "none",
	"OPTIONS ":         "http",
	"get /":            "none",
	"\x01":             "none",
	"\xff\xff\xff\xff": "none",
}

// verdict is d as kinds has it.
func verdict(d detected) string {
	switch {
	case d.undecided:
		return "more"
	case d.tls:
		return "TLS"
	case d.protocol == nil:
		return "none"
	}
	return d.protocol.Scheme
}

// What NewServer and Dial check of a list that they are given holds for the built-in one.
func TestBuiltInProtocolsAreToldApart(t *testing.T) {
	t.Parallel()
	if err := checkProtocols(Protocols()); err != nil {
		t.Error(err)
	}
}

func TestFirstBytesTell(t *testing.T) {
	t.Parallel()
	for head, want := range kinds {
		if got := verdict(detect(Protocols(), []byte(head))); got != want {
			t.Errorf("%q: %s; want %s", head, got, want)
		}
	}
}

// What a connection speaks does not depend on how its bytes arrive, and nothing of them is lost.
func FuzzSniff(f *testing.F) {
	for head := range kinds {
		f.Add([]byte(head), 1)
		f.Add([]byte(head), 3)
	}
	protocols := Protocols()
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
		d, head, err := sniff(here, protocols)
		want := detect(protocols, data)
		if d.protocol == nil && !d.tls {
			if want.protocol != nil || want.tls {
				t.Fatalf("%q in pieces of %d: %s, %v; want %s", data, piece, verdict(d), err, verdict(want))
			}
			return
		}
		rest, _ := io.ReadAll(here)
		if verdict(d) != verdict(want) || string(head)+string(rest) != string(data) {
			t.Fatalf("%q in pieces of %d: %s, then %q and %q", data, piece, verdict(d), head, rest)
		}
	})
}

func TestProtocolsThatClash(t *testing.T) {
	t.Parallel()
	with := func(change func(p *rpc.Protocol)) []rpc.Protocol {
		p := rpc.Protocol{Scheme: "toy", DetectBytes: 6}
		p.Detect = func(head []byte) rpc.Match { return rpc.MatchPrefix(head, "TOYING") }
		p.Dial = func(context.Context, rpc.ConnOptions) (rpc.Conn, error) { return nil, io.EOF }
		p.NewServer = func(*rpc.Dispatcher) rpc.ProtocolServer { return nil }
		change(&p)
		return append(Protocols(), p)
	}
	for name, test := range map[string]struct {
		protocols []rpc.Protocol
		want      string
	}{
		"well":          {with(func(*rpc.Protocol) {}), ""},
		"same scheme":   {with(func(p *rpc.Protocol) { p.Scheme = "line" }), `two protocols have the scheme "line"`},
		"TLS of others": {with(func(p *rpc.Protocol) { p.Scheme = "lines" }), `two protocols have the scheme "lines"`},
		"no scheme":     {with(func(p *rpc.Protocol) { p.Scheme = "" }), "has the scheme"},
		"nil function":  {with(func(p *rpc.Protocol) { p.Detect = nil }), "Detect, Dial and NewServer are needed"},
		"same ALPN":     {with(func(p *rpc.Protocol) { p.ALPN = []string{"h2"} }), `the same name of ALPN, "h2"`},
		"several ALPN":  {with(func(p *rpc.Protocol) { p.ALPN = []string{"a", "b"} }), "Spoken"},
		"no bytes":      {with(func(p *rpc.Protocol) { p.DetectBytes = 0 }), "DetectBytes is 0"},
		"TLS": {with(func(p *rpc.Protocol) {
			p.Detect = func(head []byte) rpc.Match { return rpc.MatchPrefix(head, "\x16\x03") }
		}), "which is how TLS begins"},
		"TLS and another byte": {with(func(p *rpc.Protocol) {
			p.Detect, p.DetectBytes = func(head []byte) rpc.Match { return rpc.MatchPrefix(head, "\x16x") }, 2
		}), "which is how TLS begins"},
		"same bytes": {with(func(p *rpc.Protocol) {
			p.Detect = func(head []byte) rpc.Match { return rpc.MatchPrefix(head, "TRACE ") }
		}), `protocols http and toy both claim connections that begin with the same bytes, "TRACE "`},
		"all but TLS": {with(func(p *rpc.Protocol) {
			p.Detect = func(head []byte) rpc.Match { return rpc.Match(min(2, head[0]^0x16)) }
		}), "both claim"},
	} {
		err := checkProtocols(test.protocols)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{
		"", ":1", "localhost:8000", "[::1]:http", "line://a:1", "unix:///s", "mux+unix:///s", "basic+tcp://a:1", "+://",
		"muxs://a:1", "https+unix:///s", "s://a:1",
	} {
		f.Add(s)
	}
	schemes := schemesOf(Protocols())
	f.Fuzz(func(t *testing.T, s string) {
		target, err := parseTarget(s, schemes)
		if err != nil {
			return
		}
		scheme := target.scheme
		if target.secure {
			scheme += "s"
		}
		again := scheme + "+" + target.network + "://" + target.address
		if same, err := parseTarget(again, schemes); err != nil || same != target {
			t.Fatalf("%q is %+v, but %q is %+v (%v)", s, target, again, same, err)
		}
		if target.network == "unix" && !strings.HasPrefix(target.address, "/") {
			t.Fatalf("%q is the path %q", s, target.address)
		}
	})
}
