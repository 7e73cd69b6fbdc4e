package yodel_test

import (
	"context"
	"errors"
	"net"
	"strings"
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
	err = other.Connect(t.Context())
	wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
	want := "cannot connect to line://" + ln.Addr().String() + ": unavailable: dial tcp "
	if !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "(not started)") {
		t.Errorf("err = %v; want %s...", err, want)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err = dialHanging(t).Connect(ended)
	if want := "cannot connect to mux://127.0.0.1:1: context canceled: still connecting"; err == nil ||
		err.Error() != want {
		t.Errorf("err = %v; want %s", err, want)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not the context's end", err)
	}
	ch.Close()
	wantCode(t, ch.Connect(t.Context()), rpc.FailedPrecondition, rpc.OutcomeNotStarted)
}

// dialHanging returns a channel whose attempts to connect last as long as it does.
func dialHanging(t *testing.T) *yodel.Channel {
	t.Helper()
	o := yodel.DialOptions{Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	ch, err := o.Dial("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ch.Close() })
	return ch
}
