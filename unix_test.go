package yodel_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// wantSelf checks what is known of a peer that is this process; of one elsewhere than at a unix socket nothing is.
func wantSelf(t *testing.T, what string, p *rpc.Peer, overUnix bool) {
	t.Helper()
	known := runtime.GOOS == "linux" || runtime.GOOS == "darwin"
	want := rpc.UnixCredentials{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PID: os.Getpid()}
	switch {
	case p == nil:
		t.Errorf("%s: no peer", what)
	case !overUnix || !known:
		if p.Unix != nil {
			t.Errorf("%s: credentials %+v, want none", what, *p.Unix)
		}
	case p.Unix == nil || *p.Unix != want:
		t.Errorf("%s: credentials %+v, want %+v", what, p.Unix, want)
	}
}

// A peerKeeper is a handler that keeps its last caller.
type peerKeeper struct{ last *rpc.Peer }

func (k *peerKeeper) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	k.last = rpc.Info(ctx).Peer
	return float32(num1) / float32(num2), nil
}

// A namedListener is of the program's own type, and so are its connections.
type namedListener struct{ net.Listener }

func (l namedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return namedConn{nc}, nil
}

type namedConn struct{ net.Conn }

func (c namedConn) NetConn() net.Conn { return c.Conn }

func TestUnixCredentials(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	for _, network := range []nettest.Network{nettest.Unix, nettest.TCP} {
		for _, c := range []struct {
			name string
			wrap func(net.Listener) net.Listener
			tls  bool
		}{
			{"plain", func(ln net.Listener) net.Listener { return ln }, false},
			{"TLS", func(ln net.Listener) net.Listener { return ln }, true},
			{"wrapped", func(ln net.Listener) net.Listener { return namedListener{ln} }, false},
			{"wrapped TLS", func(ln net.Listener) net.Listener { return namedListener{ln} }, true},
		} {
			t.Run(network.Name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				l := network.Listen(t)
				k := new(peerKeeper)
				srv := yodel.ServerOptions{TLS: a.Server(), AllowPlaintext: true}.NewServer(divide.NewService(k))
				served := make(chan error, 1)
				go func() { served <- srv.Serve(context.Background(), c.wrap(l)) }()
				defer func() {
					srv.Close()
					<-served
				}()
				for _, scheme := range schemes {
					callWithPeers(t, scheme, c.tls, a, l, k, network.Name == "unix")
				}
			})
		}
	}
}

func callWithPeers(t *testing.T, scheme string, overTLS bool, a *tlstest.Authority, l nettest.Listener, k *peerKeeper,
	overUnix bool) {
	t.Helper()
	var server *rpc.Peer
	o := yodel.DialOptions{
		Dialer: through(l),
		Interceptors: []rpc.Interceptor{func(next rpc.CallFunc) rpc.CallFunc {
			return func(ctx context.Context, c *rpc.Call) error {
				err := next(ctx, c)
				server = c.Peer
				return err
			}
		}},
	}
	if overTLS {
		o.TLS = a.Client()
		o.TLS.ServerName = "127.0.0.1"
	}
	wantQuotient(t, dial(t, o, scheme+"://127.0.0.1:1"))
	wantSelf(t, scheme+": the caller", k.last, overUnix)
	wantSelf(t, scheme+": the server", server, overUnix)
}

// The target's own socket, without a Dialer.
func TestUnixCredentialsOfTarget(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	ln, _ := listenAt(t, "unix", path)
	k := new(peerKeeper)
	srv := yodel.NewServer(divide.NewService(k))
	served := make(chan error, 1)
	go func() { served <- srv.Serve(context.Background(), ln) }()
	defer func() {
		srv.Close()
		<-served
	}()
	for _, scheme := range schemes {
		k.last = nil
		wantQuotient(t, dial(t, yodel.DialOptions{}, scheme+"+unix://"+path))
		wantSelf(t, scheme, k.last, true)
	}
}
