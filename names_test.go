package yodel

import (
	"context"
	"net"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// Two services of a server may have methods of the same name; each client reaches its own.
func TestServicesMayShareNames(t *testing.T) {
	t.Parallel()
	var reached string
	service := func(name string) (*rpc.Unary[nothing, nothing, *nothing, *nothing], *rpc.Service) {
		m := rpc.NewUnary[nothing, nothing](rpc.Method{Service: "test." + name, Name: "go"})
		e := m.Handle(func(context.Context, *nothing, *nothing) error {
			reached = name
			return nil
		})
		return m, &rpc.Service{Name: "test." + name, Endpoints: []*rpc.Endpoint{e}}
	}
	left, leftService := service("Left")
	right, rightService := service("Right")
	srv := NewServer(leftService, rightService)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(t.Context(), ln)
	defer srv.Close()
	for _, scheme := range schemesOf(Protocols()) {
		ch, err := Dial(scheme + "://" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*rpc.Unary[nothing, nothing, *nothing, *nothing]{left, right} {
			if err := call(t.Context(), ch, m); err != nil || "test."+reached != m.Service {
				t.Errorf("%s: a call of %s reached %s: %v", scheme, m.FullName(), reached, err)
			}
		}
		ch.Close()
	}
}
