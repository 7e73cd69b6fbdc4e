package yodel

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/yodelrpc/yodel/protocol/inprocess"
	"github.com/yodelrpc/yodel/rpc"
)

// InProcessOptions are the choices of a channel to a server in the same process. The zero value works.
type InProcessOptions struct {
	// Serialize encodes and decodes each message, as over a network, so that what cannot be encoded fails, and
	// Limits.Message holds. Otherwise messages are copied.
	Serialize bool

	// Interceptors wrap every call, the first outermost, as DialOptions.Interceptors do; those of the server come
	// behind them.
	Interceptors []rpc.Interceptor

	// Timeout is the deadline of calls whose context has none and whose method declares none; default none. It does not
	// apply to streams.
	Timeout time.Duration

	// Limits are the caller's, beside the server's own; of both, Calls, Metadata and, with Serialize, Message hold.
	Limits rpc.Limits

	// Logger gets at most ten lines a second about interceptors and messages that panic; nil for none.
	Logger *slog.Logger
}

// Channel returns a channel to the server from its own process, with the default options; see
// [InProcessOptions.Channel].
func (s *Server) Channel() *Channel { return InProcessOptions{}.Channel(s) }

// Channel returns a channel to s from its own process: for tests of handlers and of what calls them, and for a service
// that another part of the program calls as if it were elsewhere. The server need not listen. Calls go through the
// interceptors of both sides to handlers on goroutines of their own, and have the deadlines, metadata, errors and
// outcomes that they have over a network; a Peer's Protocol is "in-process" there. Caller and handler share no memory:
// messages are copied, and so may be kept and changed by whoever has them. Everything works inside testing/synctest,
// where time is what the test makes of it.
//
// Shutdown lets running calls finish, and Close ends them; both end the channel, too, which else is the caller's to
// close. A mistake in the options of either side is the error of each call. With the mode Serial, calls that come this
// way run one after another, beside those of the connection that is served.
func (o InProcessOptions) Channel(s *Server) *Channel {
	log := rpc.NewLog(o.Logger)
	connect := func(context.Context) (rpc.Conn, error) {
		if s.err != nil {
			return nil, s.err
		}
		if err := o.Limits.Validate(); err != nil {
			return nil, fmt.Errorf("InProcessOptions: %w", err)
		}
		if o.Timeout < 0 {
			return nil, fmt.Errorf("InProcessOptions.Timeout is %v; leave it 0 for its default", o.Timeout)
		}
		return s.local.Dial(inprocess.Options{Limits: o.Limits, Serialize: o.Serialize, Log: log})
	}
	// A server that has been shut down stays so: there is nothing to wait for.
	backoff := Backoff{Base: time.Nanosecond, Max: time.Nanosecond}
	ch, _ := newChannel(DialOptions{Interceptors: o.Interceptors, Timeout: max(o.Timeout, 0), Backoff: backoff}, log,
		func(string) (connector, error) { return connect, nil }) // which alone could fail
	ch.target = "the server in this process"
	return ch
}
