package yodel_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHijackedHTTP(t *testing.T) {
	t.Parallel()
	address, authority, _ := serveHTTP(t, otherHTTP(nil))
	t.Run("plaintext", func(t *testing.T) {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		hijack(t, nc)
	})
	t.Run("TLS", func(t *testing.T) {
		nc, err := tls.Dial("tcp", address, authority.Client())
		if err != nil {
			t.Fatal(err)
		}
		hijack(t, nc)
	})
}

// hijack has the handler take nc over, and talks to it.
func hijack(t *testing.T, nc net.Conn) {
	t.Helper()
	defer nc.Close()
	in := bufio.NewReader(nc)
	io.WriteString(nc, "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response, err)
	}
	for _, line := range []string{"a\n", "b\n", strings.Repeat("c", 100<<10) + "\n"} {
		io.WriteString(nc, line)
		if got, err := in.ReadString('\n'); got != "> "+line {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
}

// Who takes a connection over inside TLS finds the *tls.Conn, and what its handshake agreed on, which is what requests
// say of it over either version of HTTP.
func TestTLSReachesHandlersOfHTTP(t *testing.T) {
	t.Parallel()
	states := make(chan *tls.ConnectionState, 1)
	hijacked := make(chan net.Conn, 1)
	address, authority, _ := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		states <- r.TLS
		if r.ProtoMajor == 1 {
			nc, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			hijacked <- nc
		}
	}))
	for _, name := range []string{"http/1.1", "h2"} {
		config := authority.Client()
		config.NextProtos = []string{name}
		transport := &http.Transport{TLSClientConfig: config, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(name != "h2")
		transport.Protocols.SetHTTP2(name == "h2")
		defer transport.CloseIdleConnections()
		asked := make(chan error, 1)
		go func() {
			response, err := (&http.Client{Transport: transport}).Get("https://" + address)
			if err == nil {
				response.Body.Close()
			}
			asked <- err
		}()
		if state := <-states; state == nil || state.NegotiatedProtocol != name {
			t.Errorf("%s: the request's state of TLS is %+v", name, state)
		}
		if name == "http/1.1" {
			nc := <-hijacked
			inner, _ := nc.(interface{ NetConn() net.Conn })
			shown, _ := nc.(interface{ ConnectionState() tls.ConnectionState })
			if inner == nil || shown == nil || shown.ConnectionState().NegotiatedProtocol != name {
				t.Fatalf("the hijacked connection, a %T, does not show TLS", nc)
			}
			if _, ok := inner.NetConn().(*tls.Conn); !ok {
				t.Errorf("inside the hijacked connection is a %T", inner.NetConn())
			}
			nc.Close()
		}
		if err := <-asked; (err == nil) != (name == "h2") { // one that is hijacked has no answer
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A hijacked connection that nobody closes holds Shutdown while its handler runs, and is cut then, within a second,
// although a goroutine of the handler's goes on reading from it.
func TestShutdownCutsHijackedHTTP(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"the handler returned before", "the handler runs"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hijacked, release, cut := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			address, _, server := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				nc, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
				}
				go func() {
					_, err := nc.Read(make([]byte, 1))
					cut <- err
				}()
				close(hijacked)
				<-release
			}))
			nc, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			io.WriteString(nc, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			<-hijacked
			shut := make(chan error, 1)
			if name == "the handler returned before" {
				close(release)
				go func() { shut <- server.Shutdown(t.Context()) }()
			} else {
				go func() { shut <- server.Shutdown(t.Context()) }()
				for nc, err := net.Dial("tcp", address); err == nil; nc, err = net.Dial("tcp", address) {
					nc.Close() // the server still accepts
				}
				select {
				case <-shut:
					t.Fatal("Shutdown returned while the handler ran")
				case <-cut:
					t.Fatal("the connection was cut while the handler ran")
				default:
				}
				close(release)
			}
			select {
			case err := <-shut:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Shutdown waits for a hijacked connection whose handler has returned")
			}
			if err := <-cut; err == nil {
				t.Error("the connection goes on")
			}
		})
	}
}
