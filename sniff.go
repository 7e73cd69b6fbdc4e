package yodel

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/yodelrpc/yodel/protocol/mux"
)

// A kind is what the first bytes of a connection tell.
type kind int

const (
	silent     kind = iota // it ended without a word
	undecided              // more bytes are needed
	speaksNone             // no protocol begins like this
	speaksBasic
	speaksLine
	speaksMux
	speaksTLS
	speaksWeb
)

// String returns the name of the protocol.
func (k kind) String() string {
	return map[kind]string{speaksBasic: "basic", speaksLine: "line", speaksMux: "mux", speaksTLS: "TLS", speaksWeb: "http"}[k]
}

// secure returns the scheme of targets that reach the protocol inside TLS.
func (k kind) secure() string { return k.String() + "s" }

// prefixes are what it takes more than one byte to tell. Those of HTTP are its methods, and the beginning of HTTP/2's
// preface (RFC 9113, section 3.4).
var prefixes = [...]struct {
	text string
	kind kind
}{
	{mux.Magic, speaksMux},
	{"GET ", speaksWeb}, {"POST ", speaksWeb}, {"HEAD ", speaksWeb}, {"PUT ", speaksWeb}, {"DELETE ", speaksWeb},
	{"OPTIONS ", speaksWeb}, {"PATCH ", speaksWeb}, {"CONNECT ", speaksWeb}, {"TRACE ", speaksWeb},
	{"PRI * HT", speaksWeb},
}

// firstRead is how much of a new connection is read at once. It takes 8 bytes at most to tell; reading the whole of a
// small call as well saves a read, and lets a server that shuts down answer it.
const firstRead = 512

// sniff waits for the first bytes of a new connection until they tell what it speaks, and returns them as head.
func sniff(nc net.Conn) (k kind, head []byte, err error) {
	head = make([]byte, 0, firstRead)
	for {
		n, err := nc.Read(head[len(head):firstRead])
		head = head[:len(head)+n]
		if k = tellKind(head); k == speaksNone {
			return k, nil, fmt.Errorf("no protocol begins with the bytes %x", head[:min(len(head), 8)])
		} else if k > speaksNone {
			return k, head, nil
		}
		if err != nil {
			return silent, nil, sniffError(head, err)
		}
	}
}

func sniffError(head []byte, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("it sent only %d bytes, %x, in the time for the first ones", len(head), head)
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF) && len(head) == 0:
		return nil
	}
	return fmt.Errorf("it ended after the bytes %x: %w", head, err)
}

// tellKind tells by the bytes read so far. Those of basic begin with the length of a name, which is short.
func tellKind(head []byte) kind {
	if len(head) == 0 {
		return undecided
	}
	switch head[0] {
	case 0x00:
		return speaksBasic
	case '{', ' ', '\t', '\r', '\n':
		return speaksLine
	case 0x16: // a TLS record of the type handshake
		return speaksTLS
	}
	for _, p := range prefixes {
		if strings.HasPrefix(string(head), p.text) {
			return p.kind
		}
		if strings.HasPrefix(p.text, string(head)) {
			return undecided
		}
	}
	return speaksNone
}
