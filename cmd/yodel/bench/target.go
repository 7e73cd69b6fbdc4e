package bench

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/rpc"
)

// redialEvery is how long calls wait at most after a failed attempt to connect, before the next.
const redialEvery = 100 * time.Millisecond

// A target is a server, and the one call that is made there over and over.
type target struct {
	*client.Call
	connections int // 0 for as many as there are calls at once
	traffic     traffic
	channels    []*yodel.Channel // of one connection each; a caller always uses the same one
	calls       []*rpc.Call      // of the callers, which make one call at a time
}

// target returns what the command line names.
func (c *command) target(address, method string, args []string) (*target, error) {
	ready, err := c.Prepare(address, method, args)
	if err != nil {
		return nil, err
	}
	if ready.Method != nil && ready.Method.Streams() {
		return nil, fmt.Errorf("%s has a stream; bench makes calls with one answer", method)
	}
	callers := c.plan.Callers
	if c.plan.Rate > 0 {
		callers = c.plan.MaxInFlight
	}
	t := &target{Call: ready, connections: c.connections, calls: make([]*rpc.Call, callers)}
	n := max(t.connections, 1)
	if isHTTP := ready.Protocol == "http" || ready.Protocol == "https"; !isHTTP {
		t.connections = n
	} else if t.connections == 0 {
		n = callers
	}
	o := ready.Dial
	o.Backoff = yodel.Backoff{Base: redialEvery, Max: redialEvery}
	o.Limits.Calls = max(callers, o.Limits.WithDefaults().Calls)
	o.Dialer = t.traffic.dial
	for range n {
		ch, err := o.Dial(ready.Target)
		if err != nil {
			return nil, err
		}
		t.channels = append(t.channels, ch)
	}
	for i := range t.calls {
		t.calls[i] = ready.New()
	}
	return t, nil
}

// connect makes the connections. Where each call has one of its own, it makes the first, to see whether there is a
// server.
func (t *target) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	first := t.channels
	if t.connections == 0 {
		first = first[:1]
	}
	for _, ch := range first {
		if err := ch.Connect(ctx); err != nil {
			return client.Describe(err)
		}
	}
	return nil
}

// call makes the call for a caller.
func (t *target) call(ctx context.Context, caller int) error {
	c := t.calls[caller]
	c.Result.Reset()
	c.Deadline = time.Now().Add(t.Timeout)
	return t.channels[caller%len(t.channels)].Call(ctx, c)
}

// close ends the connections and the calls on them. It may be called twice.
func (t *target) close() {
	for _, ch := range t.channels {
		_ = ch.Close()
	}
}

// traffic counts the bytes of all connections, TLS included.
type traffic struct{ sent, received atomic.Int64 }

func (t *traffic) bytes() (sent, received int64) { return t.sent.Load(), t.received.Load() }

func (t *traffic) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{conn, t}, nil
}

// A countedConn is a connection of TCP or a unix socket whose bytes count.
type countedConn struct {
	net.Conn
	traffic *traffic
}

var _ rpc.ResumableConn = (*countedConn)(nil)

// CanResumeWrites implements [rpc.ResumableConn].
func (c *countedConn) CanResumeWrites() bool { return true }

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.traffic.received.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.traffic.sent.Add(int64(n))
	return n, err
}
