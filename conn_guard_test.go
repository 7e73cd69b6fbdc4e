package yodel_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

// A faultyConn panics in one of its methods, from the given call of it on.
type faultyConn struct {
	net.Conn
	method string
	left   atomic.Int32 // calls of it that succeed
}

func (c *faultyConn) called(method string) {
	if method == c.method && c.left.Add(-1) < 0 {
		panic("a faulty connection")
	}
}

func (c *faultyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.called("Read")
	return n, err
}

func (c *faultyConn) Write(b []byte) (int, error) {
	c.called("Write")
	return c.Conn.Write(b)
}

func (c *faultyConn) Close() error {
	_ = c.Conn.Close()
	c.called("Close")
	return nil
}

func (c *faultyConn) SetDeadline(t time.Time) error {
	c.called("SetDeadline")
	return c.Conn.SetDeadline(t)
}

func (c *faultyConn) SetReadDeadline(t time.Time) error {
	c.called("SetReadDeadline")
	return c.Conn.SetReadDeadline(t)
}

func (c *faultyConn) SetWriteDeadline(t time.Time) error {
	c.called("SetWriteDeadline")
	return c.Conn.SetWriteDeadline(t)
}

var faultyMethods = []string{"Read", "Write", "Close", "SetDeadline", "SetReadDeadline", "SetWriteDeadline"}

// forFaults calls f for each way in which a connection can fail.
func forFaults(t *testing.T, f func(t *testing.T, scheme string, inTLS bool, faulty func(net.Conn) net.Conn)) {
	for _, scheme := range schemes {
		for _, inTLS := range []bool{false, true} {
			for _, method := range faultyMethods {
				for _, after := range []int32{0, 1, 3} {
					faulty := func(nc net.Conn) net.Conn {
						c := &faultyConn{Conn: nc, method: method}
						c.left.Store(after)
						return c
					}
					f(t, scheme, inTLS, faulty)
				}
			}
		}
	}
}

// secureIf returns the scheme, or that of the same inside TLS.
func secureIf(inTLS bool, scheme string) string {
	if inTLS {
		return scheme + "s"
	}
	return scheme
}

// A connection of a Dialer's own that panics costs the calls that are on it, and not the process.
func TestDialersConnectionsMayPanic(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	address := serveTCP(t, yodel.ServerOptions{TLS: a.Server(), AllowPlaintext: true})
	forFaults(t, func(t *testing.T, scheme string, inTLS bool, faulty func(net.Conn) net.Conn) {
		var dials atomic.Int32
		o := yodel.DialOptions{
			Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
				nc, err := new(net.Dialer).DialContext(ctx, network, address)
				if err == nil && dials.Add(1) == 1 {
					nc = faulty(nc)
				}
				return nc, err
			},
			Backoff: yodel.Backoff{Base: time.Millisecond, Max: time.Millisecond},
		}
		if inTLS {
			o.TLS = a.Client()
		}
		ch, err := o.Dial(secureIf(inTLS, scheme) + "://" + address)
		if err != nil {
			t.Fatal(err)
		}
		defer ch.Close()
		c := divide.NewClient(ch)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			start := time.Now()
			_, err = c.Divide(ctx, 1)
			cancel()
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("a call took %v: %v", took, err)
			}
		}
	})
}

// What ends such a connection is named.
func TestDialersConnectionsThatPanicAreNamed(t *testing.T) {
	t.Parallel()
	address := serveTCP(t, yodel.ServerOptions{})
	for _, scheme := range schemes {
		for _, method := range []string{"Read", "Write"} {
			o := yodel.DialOptions{Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
				nc, err := new(net.Dialer).DialContext(ctx, network, address)
				return &faultyConn{Conn: nc, method: method}, err
			}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // in which what was not sent is tried again
			_, err := dial(t, o, scheme+"://"+address).Divide(ctx, 1)
			cancel()
			if want := "the connection's " + method + " panicked: a faulty connection"; err == nil ||
				!strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v; want one with %q", scheme, err, want)
			}
		}
	}
}

// A faultyListener accepts connections that panic, until it is told not to.
type faultyListener struct {
	net.Listener
	faulty atomic.Pointer[func(net.Conn) net.Conn]
}

func (l *faultyListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if f := l.faulty.Load(); f != nil && err == nil {
		nc = (*f)(nc)
	}
	return nc, err
}

// A connection of a listener's own that panics costs its calls, and neither the process nor other connections.
func TestListenersConnectionsMayPanic(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &faultyListener{Listener: ln}
	serve(t, yodel.ServerOptions{TLS: a.Server(), AllowPlaintext: true}, l)
	forFaults(t, func(t *testing.T, scheme string, inTLS bool, faulty func(net.Conn) net.Conn) {
		o := yodel.DialOptions{Backoff: yodel.Backoff{Base: time.Millisecond, Max: time.Millisecond}}
		if inTLS {
			o.TLS = a.Client()
		}
		l.faulty.Store(&faulty)
		ch, err := o.Dial(secureIf(inTLS, scheme) + "://" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := divide.NewClient(ch)
		for range 3 {
			_, _ = c.Divide(rpc.WithTimeout(t.Context(), time.Second), 1)
		}
		l.faulty.Store(nil)
		_ = ch.Close()
	})
	wantQuotient(t, dial(t, yodel.DialOptions{}, ln.Addr().String()))
}
