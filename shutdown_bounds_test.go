package yodel_test

import (
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// Shutdown is bounded by its context, whatever code of the program's a connection waits for.
func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	config := tlstest.New(t, "authority").Server()
	certificate := config.Certificates[0]
	asked := make(chan struct{}, 1)
	config.Certificates, config.GetCertificate = nil, func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		asked <- struct{}{}
		<-release
		return &certificate, nil
	}
	ln := nettest.TCP.Listen(t)
	srv := serve(t, yodel.ServerOptions{TLS: config}, ln)
	go tls.Client(connect(t, ln), &tls.Config{InsecureSkipVerify: true}).Handshake()
	<-asked
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		ended <- srv.Shutdown(ctx)
	}()
	select {
	case err := <-ended:
		if err != context.DeadlineExceeded {
			t.Errorf("Shutdown returned %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Shutdown waits for a certificate that does not come")
	}
	close(release)
}

// A protocol whose Shutdown or Close fails in any way keeps the server from neither.
func TestProtocolThatCannotEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){
		"panic": func() { panic("cannot end") }, "Goexit": runtime.Goexit, "hang": func() { select {} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "hang" {
				release := make(chan struct{})
				defer close(release)
				end = func() { <-release }
			}
			bad := rpc.Protocol{
				Scheme:      "bad",
				Detect:      func(head []byte) rpc.Match { return rpc.MatchPrefix(head, "BAD") },
				DetectBytes: 3,
				Dial:        func(context.Context, rpc.ConnOptions) (rpc.Conn, error) { return nil, nil },
				NewServer:   func(*rpc.Dispatcher) rpc.ProtocolServer { return badServer{end} },
			}
			o := yodel.ServerOptions{Protocols: append(yodel.Protocols(), bad)}
			ln := nettest.TCP.Listen(t)
			srv := serve(t, o, ln)
			wantQuotient(t, dial(t, yodel.DialOptions{Dialer: through(ln)}, "mux://test:1"))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			began := time.Now()
			if err := srv.Shutdown(ctx); err == nil || time.Since(began) > 10*time.Second {
				t.Errorf("Shutdown returned %v after %v", err, time.Since(began))
			}
			c := dial(t, yodel.DialOptions{Protocols: []rpc.Protocol{bad}, Dialer: through(nettest.TCP.Listen(t))},
				"bad://test:1")
			_, err := c.Divide(t.Context(), 1)
			wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
		})
	}
}

type badServer struct{ end func() }

func (badServer) ServeConn(nc net.Conn, _ []byte, _ *rpc.Peer) { nc.Close() }
func (badServer) Refusal([]byte, *rpc.Error) []byte            { return nil }
func (s badServer) Shutdown(context.Context) error             { s.end(); return nil }
func (badServer) Close() error                                 { return nil }
func (badServer) Running() []*rpc.Method                       { return nil }

// A listener may be of any type, also one that no map takes as a key.
func TestListenerWithoutHash(t *testing.T) {
	t.Parallel()
	ln := nettest.TCP.Listen(t)
	serve(t, yodel.ServerOptions{}, struct {
		net.Listener
		_ []int
	}{Listener: ln})
	wantQuotient(t, dial(t, yodel.DialOptions{Dialer: through(ln)}, "mux://test:1"))
}
