package yodel_test

import (
	"context"
	"net"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/rpc"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dials := make(chan string, 3)
	o := yodel.DialOptions{Conns: 2, Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials <- address
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	ch, err := o.Dial("line://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	for range 2 { // the second time the connections are there
		if err := ch.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(dials) != 2 {
		t.Errorf("%d connections, want 2", len(dials))
	}
	ln.Close()
	other, err := yodel.Dial("line://" + ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	wantCode(t, other.Connect(t.Context()), rpc.Unavailable, rpc.OutcomeNotStarted)
	ch.Close()
	wantCode(t, ch.Connect(t.Context()), rpc.FailedPrecondition, rpc.OutcomeNotStarted)
}
