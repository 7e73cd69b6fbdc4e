// Package resolve says which servers a channel calls. A [Resolver] is given to a channel by DialOptions.Resolver; those
// that need a library or a protocol of their own live in folders below this one, or elsewhere.
package resolve

import (
	"context"
	"slices"
)

// A Server is one place where a service is answered. Its Address tells it from others; the rest is for balancers.
type Server struct {
	Address string // HOST:PORT or unix:///PATH
	Weight  int    // the share of the calls that it should get, against that of others; 0 where nothing is known
	Zone    string // where it is, such as a data center; empty where nothing is known
}

// A Resolver knows which servers there are, as that changes. A value serves any number of channels at once, so Resolve
// is called by several goroutines, but for each channel by one at a time.
type Resolver interface {
	// Resolve calls update with all servers, at once and each time they have changed, until ctx ends. It runs on a
	// goroutine of the channel, from the first call on. update takes a copy of what it is given, may be called by any
	// goroutine, and does nothing after ctx has ended.
	//
	// An error makes the channel call Resolve again after a pause, and meanwhile go on with the servers that it has. A
	// nil error says that there will be no further change.
	Resolve(ctx context.Context, update func([]Server)) error
}

// Static returns a resolver that knows these servers, and no change.
func Static(servers ...Server) Resolver { return static(slices.Clone(servers)) }

type static []Server

func (s static) Resolve(_ context.Context, update func([]Server)) error {
	update(s)
	return nil
}
