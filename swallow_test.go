package yodel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
)

// Over HTTP a channel whose connection the network has swallowed works again after the first deadline that passes.
func TestHTTPRecoversFromASwallowedConnection(t *testing.T) {
	t.Parallel()
	address := serveTCP(t, yodel.ServerOptions{})
	var dials atomic.Int32
	ch, err := yodel.DialOptions{Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		near, far := net.Pipe() // takes everything, and never answers
		go io.Copy(io.Discard, far)
		return near, nil
	}}.Dial("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	client := divide.NewClient(ch)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Divide(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("swallowed: %v; want the deadline's end", err)
	}
	if got, err := client.Divide(t.Context(), 4); got != 4 || err != nil {
		t.Errorf("afterwards: %v, %v; want 4", got, err)
	}
}
