package auth_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/internal/everycall"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "c2Vzc2lvbi10b2tlbi1vZi1hbGljZQ"

// A logged is a logger's text.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// alice is the interceptor of a server that knows one token.
func alice(t testing.TB, o auth.Options) rpc.Interceptor {
	t.Helper()
	check, err := auth.Tokens(map[string]auth.Identity{token: {Name: "alice", Roles: []string{"clerk"}}})
	if err != nil {
		t.Fatal(err)
	}
	return interceptor(t, o, auth.Bearer(check))
}

func interceptor(t testing.TB, o auth.Options, as ...auth.Authenticator) rpc.Interceptor {
	t.Helper()
	i, err := o.Interceptor(as...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// sends is the interceptor of a client that sends a token.
func sends(t testing.TB, tk auth.Token) rpc.Interceptor {
	t.Helper()
	i, err := tk.Interceptor()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestNoCallPassesWithoutAToken(t *testing.T) {
	t.Parallel()
	l := new(logged)
	h := &everycall.Handlers{}
	addr := everycall.Serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{
		alice(t, auth.Options{Logger: slog.New(slog.NewTextHandler(l, nil))})}}, h)
	wrong := map[string][]string{
		"no metadata":          nil,
		"an empty value":       {auth.Key, ""},
		"no scheme":            {auth.Key, token},
		"another scheme":       {auth.Key, "Basic " + token},
		"no token":             {auth.Key, "Bearer "},
		"a wrong token":        {auth.Key, "Bearer " + token[:len(token)-1]},
		"more than the token":  {auth.Key, "Bearer " + token + "x"},
		"two values":           {auth.Key, "Bearer " + token, auth.Key, "Bearer wrong"},
		"an identity's fields": {"kind", "bearer", "name", "alice", "roles", "clerk", "identity", "bearer:alice"},
	}
	var text string
	for _, scheme := range everycall.Schemes {
		c := everycall.Dial(t, yodel.DialOptions{}, scheme+"://"+addr)
		for what, md := range wrong {
			for _, kind := range everycall.Over(scheme) {
				name := scheme + ", " + kind.Name + ", " + what
				err := everycall.WantCode(t, name, kind.Call(rpc.WithMetadata(t.Context(), md...), c),
					rpc.Unauthenticated)
				if text == "" {
					text = err.Message
				}
				if err.Message != text || len(err.Details) > 0 {
					t.Errorf("%s: %v %v; other calls get %q", name, err, err.Details, text)
				}
			}
		}
	}
	if n := h.Ran.Load(); n != 0 {
		t.Errorf("%d handlers ran", n)
	}
	if got := l.String(); !strings.Contains(got, "cause=") || !strings.Contains(got, "peer=127.0.0.1:") {
		t.Errorf("the log has no reason or no peer:\n%s", got)
	} else if strings.Contains(got, token[:8]) {
		t.Errorf("the log has a token:\n%s", got)
	}
}

// Whatever name a caller uses for a method, the interceptors come first.
func TestNoNameLeadsPastTheInterceptor(t *testing.T) {
	t.Parallel()
	h := &everycall.Handlers{}
	addr := everycall.Serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{alice(t, auth.Options{})}}, h)
	for _, name := range []string{"ping", "Calculator.ping", "everything.Calculator/ping"} {
		body := `{"name": "` + name + `", "params": {}}` + "\n"
		for protocol, request := range map[string]string{
			"line": body,
			"http": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body,
		} {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if _, err := nc.Write([]byte(request)); err != nil {
				t.Fatal(err)
			}
			got, buf := "", make([]byte, 4096)
			for !strings.Contains(got, "}") {
				n, err := nc.Read(buf)
				if got += string(buf[:n]); err != nil {
					t.Fatalf("%s, %s: %v after %q", protocol, name, err, got)
				}
			}
			if !strings.Contains(got, "unauthenticated") {
				t.Errorf("%s, %s: %s", protocol, name, got)
			}
		}
	}
	if n := h.Ran.Load(); n != 0 {
		t.Errorf("%d handlers ran", n)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	h := &everycall.Handlers{Do: func(ctx context.Context) error {
		if who := auth.From(ctx); who.String() != "bearer:alice" || who.Roles[0] != "clerk" {
			return errors.New("it is " + who.String())
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if rpc.Info(ctx) == nil {
			return errors.New("the context has lost the call")
		}
		return nil
	}}
	addr := everycall.Serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{alice(t, auth.Options{})}}, h)
	tk := auth.Static(token)
	tk.AllowPlaintext = true
	for _, scheme := range []string{"mux", "http"} {
		c := everycall.Dial(t, yodel.DialOptions{Interceptors: []rpc.Interceptor{sends(t, tk)}}, scheme+"://"+addr)
		for _, kind := range everycall.Over(scheme) {
			if err := kind.Call(t.Context(), c); err != nil {
				t.Errorf("%s, %s: %v", scheme, kind.Name, err)
			}
		}
		own := rpc.WithMetadata(t.Context(), auth.Key, "bearer  "+token)
		if err := everycall.Unary[0].Call(own, c); err != nil {
			t.Errorf("%s, with a token of the call's own: %v", scheme, err)
		}
	}
}

// A token goes nowhere where others can read it, whatever the call.
func TestTokensStayOutOfPlaintext(t *testing.T) {
	t.Parallel()
	h := &everycall.Handlers{}
	saw := make(chan string, 100) // what came in plaintext
	a := tlstest.New(t, "authority")
	o := yodel.ServerOptions{TLS: a.Server(), AllowPlaintext: true, Interceptors: []rpc.Interceptor{
		func(next rpc.CallFunc) rpc.CallFunc {
			return func(ctx context.Context, c *rpc.Call) error {
				if c.Peer.TLS == nil && c.Peer.Addr.Network() != "unix" {
					saw <- rpc.IncomingMetadata(ctx).Get(auth.Key)
				}
				return next(ctx, c)
			}
		}, alice(t, auth.Options{})}}
	addr := everycall.Serve(t, o, h)
	own := rpc.WithMetadata(t.Context(), auth.Key, "Bearer "+token)
	d := yodel.DialOptions{TLS: a.Client(), Interceptors: []rpc.Interceptor{sends(t, auth.Static(token))}}
	plain := d
	plain.TLS = nil
	for _, scheme := range everycall.Schemes {
		for _, conns := range []int{1, 2} {
			plain.Conns = conns
			c := everycall.Dial(t, plain, scheme+"://"+addr)
			for _, kind := range everycall.Over(scheme) {
				for _, ctx := range []context.Context{t.Context(), own} {
					err := everycall.WantCode(t, scheme+", "+kind.Name, kind.Call(ctx, c), rpc.FailedPrecondition)
					if err.Outcome != rpc.OutcomeNotStarted {
						t.Errorf("%s: %v", scheme, err)
					}
				}
			}
		}
	}
	if len(saw) > 0 {
		t.Errorf("a call came in plaintext, with %q", <-saw)
	}

	unix := nettest.Unix.Listen(t)
	everycall.ServeAt(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{alice(t, auth.Options{})}}, h, unix)
	for what, target := range map[string]string{
		"TLS": "muxs://" + addr, "https": "https://" + addr, "a unix socket": "unix://" + unix.Addr().String(),
	} {
		d := d
		if what == "a unix socket" {
			d.TLS = nil
		}
		c := everycall.Dial(t, d, target)
		if err := everycall.Unary[0].Call(t.Context(), c); err != nil {
			t.Errorf("over %s: %v", what, err)
		}
	}
	srv := yodel.ServerOptions{Interceptors: []rpc.Interceptor{alice(t, auth.Options{})}}.NewServer(
		everything.NewCalculatorService(h))
	defer srv.Close()
	ch := yodel.InProcessOptions{Interceptors: d.Interceptors}.Channel(srv)
	defer ch.Close()
	for _, kind := range everycall.Over("mux") {
		if err := kind.Call(t.Context(), everything.NewCalculatorClient(ch)); err != nil {
			t.Errorf("in process, %s: %v", kind.Name, err)
		}
	}
}

// A call that was confidential leaves nothing behind for the next one, which uses its memory.
func TestConfidentialityIsOfOneCall(t *testing.T) {
	t.Parallel()
	addr := everycall.Serve(t, yodel.ServerOptions{}, &everycall.Handlers{})
	c := everycall.Dial(t, yodel.DialOptions{Interceptors: []rpc.Interceptor{sends(t, auth.Static(token))}}, addr)
	open := everycall.Dial(t, yodel.DialOptions{}, addr)
	for range 100 {
		everycall.WantCode(t, "with a token", everycall.Unary[0].Call(t.Context(), c), rpc.FailedPrecondition)
		if err := everycall.Unary[0].Call(t.Context(), open); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	h := &everycall.Handlers{Do: func(ctx context.Context) error {
		if who := auth.From(ctx).String(); who != "certificate:billing" {
			return errors.New("it is " + who)
		}
		return nil
	}}
	o := yodel.ServerOptions{TLS: a.Server(), AllowPlaintext: true}
	o.TLS.ClientCAs, o.TLS.ClientAuth = a.Mutual().ClientCAs, tls.VerifyClientCertIfGiven
	o.Interceptors = []rpc.Interceptor{interceptor(t, auth.Options{}, auth.Certificates(nil))}
	addr := everycall.Serve(t, o, h)
	shown := yodel.DialOptions{TLS: a.Client(a.Issue("billing"))}
	for _, scheme := range everycall.Schemes {
		for _, kind := range everycall.Over(scheme) {
			c := everycall.Dial(t, shown, scheme+"s://"+addr)
			if scheme == "http" {
				c = everycall.Dial(t, shown, "https://"+addr)
			}
			if err := kind.Call(t.Context(), c); err != nil {
				t.Errorf("%s, %s: %v", scheme, kind.Name, err)
			}
		}
	}
	ran := h.Ran.Load()
	none := everycall.Dial(t, yodel.DialOptions{TLS: a.Client()}, "muxs://"+addr)
	plain := everycall.Dial(t, yodel.DialOptions{}, "mux://"+addr)
	for _, kind := range everycall.Over("mux") {
		everycall.WantCode(t, "no certificate", kind.Call(t.Context(), none), rpc.Unauthenticated)
		everycall.WantCode(t, "no TLS", kind.Call(t.Context(), plain), rpc.Unauthenticated)
	}
	if h.Ran.Load() != ran {
		t.Error("a handler ran")
	}
}

func TestUnix(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("this system does not say who is at a unix socket")
	}
	h := &everycall.Handlers{Do: func(ctx context.Context) error {
		if who := auth.From(ctx).String(); who != "unix:uid:"+strconv.Itoa(os.Geteuid()) {
			return errors.New("it is " + who)
		}
		return nil
	}}
	o := yodel.ServerOptions{Interceptors: []rpc.Interceptor{interceptor(t, auth.Options{}, auth.Unix(nil))}}
	unix := nettest.Unix.Listen(t)
	everycall.ServeAt(t, o, h, unix)
	addr := everycall.Serve(t, o, h)
	c := everycall.Dial(t, yodel.DialOptions{}, "unix://"+unix.Addr().String())
	if err := everycall.Unary[0].Call(t.Context(), c); err != nil {
		t.Error(err)
	}
	c = everycall.Dial(t, yodel.DialOptions{}, addr)
	everycall.WantCode(t, "over TCP", everycall.Unary[0].Call(t.Context(), c), rpc.Unauthenticated)
}
