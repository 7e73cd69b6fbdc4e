package rpc

import (
	"context"
	"net"

	"github.com/yodelrpc/yodel/compress"
)

// A Channel carries calls. Generated clients call through one. All methods may be called by many goroutines at once.
type Channel interface {
	// Call makes one call. Of a unary one it sends c.Args and fills c.Result; for one with a stream it opens the
	// stream, runs c.Body with it on the caller's goroutine, and closes it. It returns a declared exception of
	// c.Method, a *ContextError, an *Error, or what c.Body returned. Once it has returned, nothing touches c.
	Call(ctx context.Context, c *Call) error
}

// A Conn is one connection of a protocol to one server. All methods may be called by many goroutines at once, and at
// any time, after Close too. Whoever got the Conn from its protocol owns it, and closes it once: also one that has
// ended, for Close is what frees it.
//
// A Conn lives in three states, which it goes through in order. It takes calls until Done is closed. Then calls that
// were taken may still run, as where a server drains: they are left to end, and any further one fails, not started.
// Once Ended is closed no call runs and none will.
type Conn interface {
	// Call is as that of a Channel. The call is lent for as long as Call runs, and is the caller's again after that.
	// What is set in it beforehand and only read, as Args are, may be lent to two connections at once by two calls.
	Channel
	// Done is closed when the connection takes no more calls: it broke, was closed, or the server is going away. It is
	// closed before a call returns that failed for this reason, so that whoever gets the error finds it closed.
	Done() <-chan struct{}
	// Ended is closed when the connection has ended and each of its calls has an outcome: after Done, soon after Close
	// at the latest.
	Ended() <-chan struct{}
	// Err returns why the connection takes no more calls, once Done is closed; nil before.
	Err() error
	// Close ends the connection and every call on it, and waits for the connection's goroutines. Done and Ended are
	// closed when it returns. It may be called more than once.
	Close() error
	// Peer returns the server's end, which is the same for as long as the connection lives and which nobody changes;
	// nil where it is not known.
	Peer() *Peer
}

// A Stream is the messages of one call in both directions. Send and Recv may be called at the same time, each by one
// goroutine.
type Stream interface {
	// Send sends m. It returns io.EOF once the stream has ended; Recv says why.
	Send(ctx context.Context, m Message) error
	// Recv fills m. It returns io.EOF after the last message of a call that succeeded.
	Recv(ctx context.Context, m Message) error
	// CloseSend says that no more messages will be sent.
	CloseSend() error
	// Close ends the stream at once and frees all of it. It may be called at any time, and more than once; a Send or
	// Recv that waits returns.
	Close() error
}

// ConnOptions are what every protocol's Dial takes.
type ConnOptions struct {
	// Dial makes the network connection.
	Dial func(ctx context.Context) (net.Conn, error)
	// Address is the server's, for errors and for HTTP's Host.
	Address string
	// Peer is the other end of what Dial returns, for the Conn's Peer; nil where it is not known.
	Peer   *Peer
	Limits Limits
	// Compress says what the connection compresses with, where the protocol can; the zero value is nothing.
	Compress compress.Options
	Log      *Log // of the channel, whose connections share it; nil for none
}

// A ResumableConn is a network connection that wraps one of TCP or a unix socket, to count bytes for instance, and
// knows whether a write that ran into its deadline may be taken up again where it ended, as on those. TLS's may not.
// Callers then write to it themselves, which costs about half of what a goroutine for each write does.
type ResumableConn interface {
	net.Conn
	CanResumeWrites() bool
}

// NoStreams returns the error of a protocol that carries no streams, for a call with one.
func NoStreams(m *Method, protocol string) *Error {
	return Errorf(Unimplemented, "%s is a stream, which the %s protocol does not carry",
		m.Name, protocol).For(m, OutcomeNotStarted)
}
