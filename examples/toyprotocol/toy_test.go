package toyprotocol_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/examples/toyprotocol"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

type handler struct{ seen chan *rpc.Peer }

func (h handler) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	if h.seen != nil {
		h.seen <- rpc.Info(ctx).Peer
	}
	if num2 == 0 {
		return 0, divide.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// A server speaks the toy protocol on the same port as its own, and a channel dials it by its scheme.
func Example() {
	protocols := append(yodel.Protocols(), toyprotocol.Protocol())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := yodel.ServerOptions{Protocols: protocols}.NewServer(divide.NewService(handler{}))
	go server.Serve(context.Background(), ln)
	defer server.Close()
	for _, scheme := range []string{"toy", "mux", "http"} {
		ch, err := yodel.DialOptions{Protocols: protocols}.Dial(scheme + "://" + ln.Addr().String())
		if err != nil {
			panic(err)
		}
		fmt.Println(divide.NewClient(ch).Divide(context.Background(), 200, divide.Num2(100)))
		ch.Close()
	}
	// Output:
	// 2 <nil>
	// 2 <nil>
	// 2 <nil>
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	authority := tlstest.New(t, "toys")
	config := authority.Server()
	protocols := append(yodel.Protocols(), toyprotocol.Protocol())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := handler{make(chan *rpc.Peer, 1)}
	server := yodel.ServerOptions{Protocols: protocols, TLS: config}.NewServer(divide.NewService(h))
	served := make(chan error)
	go func() { served <- server.Serve(t.Context(), ln) }()
	address := ln.Addr().String()

	ch, err := yodel.DialOptions{Protocols: protocols, TLS: authority.Client()}.Dial("toys://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	client := divide.NewClient(ch)
	if got, err := client.Divide(t.Context(), 6, divide.Num2(3)); got != 2 || err != nil {
		t.Fatalf("6 / 3 is %v, %v", got, err)
	}
	peer := <-h.seen
	if peer.Protocol != "toy" || peer.TLS == nil || peer.TLS.NegotiatedProtocol != "example-toy/1" {
		t.Errorf("the handler saw the peer %+v", peer)
	}
	var invalid *divide.InvalidOperation
	if _, err := client.Divide(t.Context(), 6, divide.Num2(0)); !errors.As(err, &invalid) {
		t.Errorf("6 / 0: %v", err)
	}
	<-h.seen

	plain, err := yodel.DialOptions{Protocols: protocols}.Dial("toy://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	const want = "divide.Divide/divide: failed_precondition: this port speaks TLS only: connect with TLS, " +
		"as a Yodel client does for " +
		"the target toys://HOST:PORT (not started)"
	if _, err := divide.NewClient(plain).Divide(t.Context(), 6, divide.Num2(3)); err == nil || err.Error() != want {
		t.Errorf("without TLS: %v; want %s", err, want)
	}
	plain.Close()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
