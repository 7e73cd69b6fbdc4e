package peercred_test

import (
	"crypto/tls"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/peercred"
	"github.com/yodelrpc/yodel/rpc"
)

// tells are the systems that tell who is at the other end.
var tells = []string{"linux", "darwin"}

// self is what a peer in this process is known by; nil where the system does not tell.
func self() *rpc.UnixCredentials {
	if !slices.Contains(tells, runtime.GOOS) {
		return nil
	}
	return &rpc.UnixCredentials{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PID: os.Getpid()}
}

func check(t *testing.T, what string, nc net.Conn, want *rpc.UnixCredentials) {
	t.Helper()
	got := peercred.Of(nc)
	if (got == nil) != (want == nil) || got != nil && *got != *want {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// A wrapper shows the connection in it, as TLS does.
type wrapper struct{ net.Conn }

func (w wrapper) NetConn() net.Conn { return w.Conn }

func TestPeerOfSocket(t *testing.T) {
	for _, network := range nettest.All {
		t.Run(network.Name, func(t *testing.T) {
			near, far := network.Pair(t)
			want := self()
			if network.Name != nettest.Unix.Name {
				want = nil
			}
			check(t, "client's end", near, want)
			check(t, "server's end", far, want)
			check(t, "wrapped", wrapper{wrapper{far}}, want)
			check(t, "inside TLS", tls.Server(far, nil), want)
			check(t, "hidden", struct{ net.Conn }{far}, nil)
		})
	}
}

func TestClosedSocket(t *testing.T) {
	near, _ := nettest.Unix.Pair(t)
	near.Close()
	check(t, "closed", near, nil)
	check(t, "wrapper of nothing", wrapper{nil}, nil)
}
