package yodel

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/protocol/web"
	"github.com/yodelrpc/yodel/rpc"
)

// Protocols returns the built-in protocols: mux, basic, line and http. They are the default of [ServerOptions] and
// [DialOptions]; append to them to have more.
func Protocols() []rpc.Protocol {
	return []rpc.Protocol{
		mux.Protocol(),
		basic.Protocol(),
		line.Protocol(),
		web.Protocol(line.Format(), basic.Format()),
	}
}

// protocolsOf returns the protocols of an option: those given, which it checks, or the built-in ones where there are
// none. Those need no check: a test makes it, and it takes more than a thousand calls of Detect.
func protocolsOf(given []rpc.Protocol, option string) ([]rpc.Protocol, error) {
	if len(given) == 0 {
		return Protocols(), nil
	}
	if err := checkProtocols(given); err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	return given, nil
}

var schemePattern = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// checkProtocols returns what is wrong with protocols that are to be told apart.
func checkProtocols(protocols []rpc.Protocol) error {
	schemes, alpn := make(map[string]bool), make(map[string]string)
	for i := range protocols {
		p := &protocols[i]
		if err := checkProtocol(p); err != nil {
			return err
		}
		if schemes[p.Scheme] || schemes[p.Scheme+"s"] || schemes[strings.TrimSuffix(p.Scheme, "s")] {
			return fmt.Errorf("two protocols have the scheme %q, where an s behind it means TLS; rename one", p.Scheme)
		}
		schemes[p.Scheme] = true
		for _, name := range p.ALPN {
			if other, ok := alpn[name]; ok {
				return fmt.Errorf("protocols %s and %s have the same name of ALPN, %q; rename one", other, p.Scheme,
					name)
			}
			alpn[name] = p.Scheme
		}
	}
	return checkBeginnings(protocols)
}

func checkProtocol(p *rpc.Protocol) error {
	switch {
	case !schemePattern.MatchString(p.Scheme), p.Scheme == "unix":
		return fmt.Errorf(
			"a protocol has the scheme %q; it has to be of lower-case letters, digits and hyphens, and not unix",
			p.Scheme)
	case p.Detect == nil, p.Dial == nil, p.NewServer == nil:
		return fmt.Errorf("protocol %s: Detect, Dial and NewServer are needed, and one of them is nil", p.Scheme)
	case p.DetectBytes < 1, p.DetectBytes > firstRead:
		return fmt.Errorf("protocol %s: DetectBytes is %d; it has to be 1 to %d", p.Scheme, p.DetectBytes, firstRead)
	case p.Spoken == nil && len(p.ALPN) > 1:
		return fmt.Errorf("protocol %s has several names of ALPN; its Spoken has to tell which one a connection is of",
			p.Scheme)
	case match(p, []byte{tlsHandshake}) != rpc.MatchNo, match(p, []byte{tlsHandshake, 3, 1}) != rpc.MatchNo:
		return fmt.Errorf("protocol %s begins with the byte %#x, which is how TLS begins", p.Scheme, tlsHandshake)
	}
	return nil
}

// match is p.Detect, where p may ask for no more than it said.
func match(p *rpc.Protocol, head []byte) rpc.Match {
	m := p.Detect(head)
	if m == rpc.MatchMore && len(head) >= p.DetectBytes {
		return rpc.MatchNo
	}
	return m
}

// mostBeginnings bounds how many beginnings checkBeginnings tries, which is a second's work at most. What it does not
// try is left to the connections, which are refused where two protocols claim one.
const mostBeginnings = 1 << 16

// checkBeginnings looks for bytes that two protocols claim: it goes from each beginning that two of them may have to
// all that are a byte longer.
func checkBeginnings(protocols []rpc.Protocol) error {
	left := mostBeginnings
	for queue := [][]byte{nil}; len(queue) > 0 && left > 0; queue = queue[1:] {
		for b := range 256 {
			left--
			head := append(slices.Clone(queue[0]), byte(b))
			d := detect(protocols, head)
			if d.err != nil {
				return fmt.Errorf("%w; no server can tell them apart", d.err)
			}
			if d.undecided && d.claims > 1 {
				queue = append(queue, head)
			}
		}
	}
	return nil
}

// find returns the protocol with the given scheme, nil for none.
func find(protocols []rpc.Protocol, scheme string) *rpc.Protocol {
	i := slices.IndexFunc(protocols, func(p rpc.Protocol) bool { return p.Scheme == scheme })
	if i < 0 {
		return nil
	}
	return &protocols[i]
}

// schemesOf lists schemes.
func schemesOf(protocols []rpc.Protocol) []string {
	var schemes []string
	for _, p := range protocols {
		schemes = append(schemes, p.Scheme)
	}
	return schemes
}

// orList returns "a", "a or b", or "a, b or c".
func orList(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// spoken returns the name of ALPN for what a connection of p speaks that begins with head; "" for none.
func spoken(p *rpc.Protocol, head []byte) string {
	switch {
	case p.Spoken != nil:
		return p.Spoken(head)
	case len(p.ALPN) > 0:
		return p.ALPN[0]
	}
	return ""
}

var errTwoClaim = errors.New("both claim connections that begin with the same bytes")

// A detected is what the first bytes of a connection tell: one of the protocols, TLS, that more are needed, or none of
// these.
type detected struct {
	protocol  *rpc.Protocol
	tls       bool
	undecided bool
	claims    int   // how many protocols it may be of
	err       error // where several claim it
}

// tlsHandshake is the first byte of TLS: a record of the type handshake (RFC 8446, section 5.1).
const tlsHandshake = 0x16

// detect tells by the bytes read so far.
func detect(protocols []rpc.Protocol, head []byte) (d detected) {
	switch {
	case len(head) == 0:
		return detected{undecided: true}
	case head[0] == tlsHandshake:
		return detected{tls: true}
	}
	for i := range protocols {
		p := &protocols[i]
		switch match(p, head) {
		case rpc.MatchMore:
			d.undecided = true
			d.claims++
		case rpc.MatchYes:
			d.claims++
			if d.protocol != nil {
				return detected{err: fmt.Errorf("protocols %s and %s %w, %q", d.protocol.Scheme, p.Scheme, errTwoClaim,
					head[:min(len(head), 8)])}
			}
			d.protocol = p
		}
	}
	return d
}
