package mux_test

import (
	"context"
	"net"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// A connection's peer is the one that whoever dialed it has made, which may be as late as in Dial, and stays so when
// the connection has ended.
func TestPeerIsTheDialers(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, n, rpc.ServerLimits{}, handlers{}.service())
			peer := new(rpc.Peer)
			var address net.Addr
			c, err := mux.Dial(t.Context(), rpc.ConnOptions{
				Address: "test", Peer: peer,
				Dial: func(ctx context.Context) (net.Conn, error) {
					nc, err := f.dial(ctx)
					if err == nil {
						address = nc.RemoteAddr()
						*peer = *nettest.Peer(nc)
					}
					return nc, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got := c.Peer(); got != peer || got.Addr != address || (got.TLS != nil) != (n.Name == nettest.TLS.Name) {
				t.Errorf("the peer is %+v, and not %+v at %v", got, peer, address)
			}
			if _, err := callEcho(t.Context(), c, []byte("x")); err != nil {
				t.Error(err)
			}
			c.Close()
			if got := c.Peer(); got != peer {
				t.Errorf("after Close the peer is %+v", got)
			}
		})
	}
}
