package yodel_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/rpc"
)

// counting is a handler that counts its calls.
type counting struct{ ran atomic.Int64 }

func (h *counting) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	h.ran.Add(1)
	return float32(num1) / float32(num2), nil
}

// A rotation is one server after another. What dials it reaches the newest.
type rotation struct {
	t       *testing.T
	handler *counting
	address atomic.Value // a string
	server  *yodel.Server
	served  sync.WaitGroup
}

// next starts another server, and shuts down the one before.
func (r *rotation) next() {
	r.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	old := r.server
	r.server = yodel.NewServer(divide.NewService(r.handler))
	r.served.Go(func() { r.server.Serve(context.Background(), ln) })
	r.address.Store(ln.Addr().String())
	if old == nil {
		return
	}
	if err := old.Shutdown(r.t.Context()); err != nil {
		r.t.Errorf("Shutdown: %v", err)
	}
}

func (r *rotation) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, r.address.Load().(string))
}

// Servers are replaced under load, and no call notices: each is answered, and has run once.
func TestReplacedServersLoseNothing(t *testing.T) {
	t.Parallel()
	const callers = 64
	restarts := 30
	if underRace {
		restarts = 5 // each takes a second there
	}
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			r := &rotation{t: t, handler: new(counting)}
			r.next()
			ch, err := yodel.DialOptions{Dialer: r.dial, Conns: 4}.Dial(scheme + "://127.0.0.1:1")
			if err != nil {
				t.Fatal(err)
			}
			client := divide.NewClient(ch)
			ctx, stop := context.WithCancel(context.Background())
			var load sync.WaitGroup
			var answered, failed, unknown atomic.Int64
			progress := make(chan struct{})
			for range callers {
				load.Go(func() {
					for ctx.Err() == nil {
						if _, err := client.Divide(t.Context(), 200); err == nil {
							answered.Add(1)
						} else if failed.Add(1); outcomeOf(err) != rpc.OutcomeNotStarted {
							unknown.Add(1)
							t.Log(err)
						}
						select {
						case progress <- struct{}{}:
						default:
						}
					}
				})
			}
			for range restarts {
				for range 400 {
					<-progress
				}
				r.next()
			}
			stop()
			load.Wait()
			ch.Close()
			r.server.Close()
			r.served.Wait()
			ran := r.handler.ran.Load()
			t.Logf("%d calls ran, %d were answered; %d failed, %d of these in doubt", ran, answered.Load(),
				failed.Load(),
				unknown.Load())
			if ran != answered.Load() || unknown.Load() > 0 {
				t.Error("a call was lost")
			}
			// An HTTP connection carries one call at a time. Its end fails all that wait for it, not started, which may
			// be more than the retry budget pays for.
			if failed.Load() > 0 && scheme != "http" {
				t.Error("a call was not sent again")
			}
		})
	}
}

func outcomeOf(err error) rpc.Outcome {
	if e, ok := err.(*rpc.Error); ok {
		return e.Outcome
	}
	return rpc.OutcomeAnswered
}
