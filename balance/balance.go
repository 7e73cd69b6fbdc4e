// Package balance chooses the connection for each attempt at a call. A [Balancer] is given to a channel by
// DialOptions.Balancer; the default is [RoundRobin].
package balance

import (
	"time"

	"github.com/yodelrpc/yodel/resolve"
	"github.com/yodelrpc/yodel/rpc"
)

// A Link is the place of one connection to a server. A server has as many as DialOptions.Conns says. A link stays the
// same value for as long as its server is among those of the channel. All methods may be called by many goroutines at
// once, and none of them waits.
type Link interface {
	Server() resolve.Server // as the resolver last told it
	Ready() bool            // it has a connection that takes calls
	InFlight() int          // attempts that the channel has under way on it, those that wait for a connection too
	Wake()                  // begins to connect in the background, if it has no connection
}

// A Balancer makes what picks links. A value serves any number of channels at once.
type Balancer interface {
	// Picker returns what picks among links, of which there is at least one. The channel calls it when it gets servers
	// and each time they have changed, with the Picker that the new one replaces, nil at first: what that has learned
	// of links that stay may be taken over. Attempts may still use the old one. The slice is the Picker's, to be read
	// only.
	Picker(links []Link, old Picker) Picker
}

// A Picker picks among the links that it was made for. It is called by many goroutines at once, on the way of each
// call, and so neither waits nor allocates.
type Picker interface {
	// Pick returns the index of the link that the next attempt at c takes, or a negative number for none, which fails
	// the call with unavailable, not started. A link that is not ready makes the call wait for a connection. failed is
	// the link of the attempt before, nil for the first: it may not be among the links any more. c is only to be read.
	Pick(c *rpc.Call, failed Link) int
}

// A Learner is a Picker that learns how each attempt went. Without it nothing is measured.
type Learner interface {
	Picker
	// Done is called once for each attempt that Pick gave the link i, also one that got no connection, on the caller's
	// goroutine. For a call with a stream it ends with the stream.
	Done(c *rpc.Call, i int, r Report)
}

// A Report is how an attempt went.
type Report struct {
	Err     error         // as of a Conn's Call, or why there was no connection; nil where it succeeded
	Latency time.Duration // from Pick to the attempt's end
}
