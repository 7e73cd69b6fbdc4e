package yodel_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/rpc"
)

// A rendezvous answers calls when two of them are there.
type rendezvous struct {
	every.EchoHandler
	both *sync.WaitGroup
}

func (r rendezvous) Blobs(_ context.Context, value []byte) ([]byte, error) {
	r.both.Done()
	r.both.Wait()
	return value, nil
}

// doubled makes each call over two channels at once, and takes the second one's answer.
type doubled struct {
	t        *testing.T
	channels [2]*yodel.Channel
}

func (d doubled) Call(ctx context.Context, c *rpc.Call) error {
	forks := [2]*rpc.Call{c.Fork(), c.Fork()}
	var wg sync.WaitGroup
	for i, f := range forks {
		wg.Go(func() {
			if err := d.channels[i].Call(ctx, f); err != nil || f.Attempt != 1 || f.Peer == nil {
				d.t.Errorf("attempt %d at %v: %v", f.Attempt, f.Peer, err)
			}
		})
	}
	wg.Wait()
	c.Adopt(forks[1])
	return nil
}

// One set of arguments travels on two connections at the same time.
func TestForksTravelAtOnce(t *testing.T) {
	t.Parallel()
	value := bytes.Repeat([]byte("large enough to be written from where it lies"), 10_000)
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var both sync.WaitGroup
			both.Add(2)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := yodel.NewServer(every.NewEchoService(rendezvous{both: &both}))
			ended := make(chan error, 1)
			go func() { ended <- srv.Serve(context.Background(), ln) }()
			defer func() {
				_ = srv.Close()
				<-ended
			}()
			d := doubled{t: t}
			for i := range d.channels {
				if d.channels[i], err = yodel.Dial(scheme + "://" + ln.Addr().String()); err != nil {
					t.Fatal(err)
				}
				defer d.channels[i].Close()
			}
			if got, err := every.NewEchoClient(d).Blobs(t.Context(), value); err != nil || !bytes.Equal(got, value) {
				t.Errorf("%d bytes came back of %d: %v", len(got), len(value), err)
			}
		})
	}
}
