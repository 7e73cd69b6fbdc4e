package rpc_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

func TestPeersByAddressAndSecrecy(t *testing.T) {
	t.Parallel()
	tcp := &net.TCPAddr{IP: net.IPv6loopback, Port: 8000}
	for _, c := range []struct {
		name         string
		peer         *rpc.Peer
		host         string
		confidential bool
	}{
		{"nil", nil, "", false},
		{"of which nothing is known", &rpc.Peer{}, "", false},
		{"TCP", &rpc.Peer{Addr: tcp}, "::1", false},
		{"TLS", &rpc.Peer{Addr: tcp, TLS: new(tls.ConnectionState)}, "::1", true},
		{"unix", &rpc.Peer{Addr: &net.UnixAddr{Net: "unix", Name: "/run/s"}}, "/run/s", true},
		{"unix with credentials", &rpc.Peer{Addr: &net.UnixAddr{Net: "unix"}, Unix: &rpc.UnixCredentials{UID: 7}},
			"uid:7", true},
		{"in process", &rpc.Peer{Protocol: rpc.InProcess}, "", true},
	} {
		if got := c.peer.Host(); got != c.host {
			t.Errorf("%s: host %q; want %q", c.name, got, c.host)
		}
		if got := c.peer.Confidential(); got != c.confidential {
			t.Errorf("%s: confidential %t; want %t", c.name, got, c.confidential)
		}
		call := &rpc.Call{Method: &rpc.Method{Service: "s.S", Name: "m"}}
		if err := call.RefusePlaintext(c.peer); err != nil {
			t.Errorf("%s, with nothing secret: %v", c.name, err)
		}
		call = (&rpc.Call{Method: call.Method, Confidential: true}).Fork()
		if err := call.RefusePlaintext(c.peer); (err == nil) != c.confidential {
			t.Errorf("%s, a fork of a confidential call: %v", c.name, err)
		}
	}
}
