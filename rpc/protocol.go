package rpc

import (
	"context"
	"errors"
	"net"
)

// A Protocol is one way to carry calls over a connection: what a server and a channel need to know of it. All fields
// but ALPN and Spoken are needed. Its functions may be called by many goroutines at once.
type Protocol struct {
	// Scheme names it in targets, in a [Peer] and in errors: lower-case letters, digits and hyphens, the first a
	// letter. With an s behind it a target asks for the protocol inside TLS.
	Scheme string

	// ALPN are its names when TLS agrees on a protocol (RFC 7301), the most preferred first; none where it is known
	// inside TLS by its first bytes alone.
	ALPN []string

	// Spoken returns which of the names in ALPN a connection is of that begins with head, and without a head which one
	// Dial speaks. Nil is for protocols with one name at most.
	Spoken func(head []byte) string

	// Detect says whether a client's connection is of the protocol that begins with head, which has at least a byte.
	// Where more bytes follow, its yes and no stay what they are. None begins with 0x16: that is TLS.
	Detect func(head []byte) Match

	// DetectBytes is how many bytes it takes Detect at most, up to 512. A connection with so many is of another
	// protocol if Detect still needs more.
	DetectBytes int

	// Dial makes a connection out of the one that o.Dial returns. It closes that where it fails. An error that is not
	// o.Dial's comes of a server that does not speak the protocol, and is or wraps [ErrTLSOnly] where that has answered
	// with an alert of TLS. [DialAs] makes it of a function that returns a type of its own.
	Dial func(ctx context.Context, o ConnOptions) (Conn, error)

	// NewServer returns the server's side, for the methods of d.
	NewServer func(d *Dispatcher) ProtocolServer
}

// DialAs returns dial as a [Protocol] has it. Where dial fails, so does that, and returns no connection: what dial
// returned beside the error would be one that is not nil, for it has a type.
func DialAs[C Conn](dial func(context.Context, ConnOptions) (C, error)) func(context.Context, ConnOptions) (Conn,
	error) {
	return func(ctx context.Context, o ConnOptions) (Conn, error) {
		c, err := dial(ctx, o)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

// ErrTLSOnly is within the error of a [Protocol]'s Dial without TLS where the server speaks nothing else. Its first
// bytes are those of a record with an alert, 0x15 and 3 (RFC 8446, section 5.1).
var ErrTLSOnly = errors.New("it answers with an alert of TLS, and so wants TLS")

// A Match is what the first bytes of a connection say of one protocol.
type Match int

const (
	MatchNo   Match = iota // no connection of the protocol begins with these
	MatchMore              // more bytes are needed
	MatchYes               // it is one of the protocol's
)

// MatchPrefix is the Detect of a protocol whose connections all begin with prefix.
func MatchPrefix(head []byte, prefix string) Match {
	n := min(len(head), len(prefix))
	switch {
	case string(head[:n]) != prefix[:n]:
		return MatchNo
	case n < len(prefix):
		return MatchMore
	}
	return MatchYes
}

// A ProtocolServer is one protocol's side of a server. It serves connections also while it shuts down. All methods may
// be called by many goroutines at once.
type ProtocolServer interface {
	// ServeConn serves a connection, of which head has been read, until it ends, and closes it. nc and head are its
	// own. peer is shared, and does not change.
	ServeConn(nc net.Conn, head []byte, peer *Peer)
	// Refusal returns what tells a peer, from which head has been read, why its connection is not served.
	Refusal(head []byte, reason *Error) []byte
	// Shutdown lets running calls finish and reads no new ones; it cuts them when ctx ends, and returns ctx's error
	// then.
	Shutdown(ctx context.Context) error
	// Close cuts all connections, and may wait for handlers that do not heed the end of their contexts.
	Close() error
	// Running returns, once Close has cut the connections, the methods of the handlers that run on all the same, each
	// as often as it does. Before that it may leave out those whose connections are whole.
	Running() []*Method
}
