package web_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/tlstest"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/protocol/web"
	"github.com/yodelrpc/yodel/rpc"
)

// A peer that reads nothing more of its answer holds Shutdown for a second inside TLS, and for two without, where it
// took some before that: neither does the server linger, nor does it try to tell the peer of the end of TLS.
func TestShutdownDoesNotWaitForUnreadAnswers(t *testing.T) {
	a := tlstest.New(t, "authority")
	for _, secure := range []string{"", "TLS"} {
		t.Run("plaintext"+secure, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, err := rpc.NewDispatcher([]*rpc.Service{every.NewEchoService(&large{})}, rpc.DispatcherOptions{})
				if err != nil {
					t.Fatal(err)
				}
				s := web.NewServer(d, line.Format())
				near, far := nettest.MemoryPair()
				most := 2 * time.Second
				if secure != "" {
					most = time.Second
					inner := tls.Server(far, a.Server())
					client := tls.Client(near, &tls.Config{InsecureSkipVerify: true}) // the bubble's time is another
					shaken := make(chan error, 1)
					go func() { shaken <- client.Handshake() }()
					if err := inner.Handshake(); err != nil {
						t.Fatal(err)
					}
					if err := <-shaken; err != nil {
						t.Fatal(err)
					}
					near, far = client, inner
				}
				served := make(chan struct{})
				go func() {
					s.ServeConn(far, nil, nettest.Peer(far))
					close(served)
				}()
				sendUnread(t, near)
				synctest.Wait()
				began := time.Now()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > most+10*time.Millisecond {
					t.Errorf("Shutdown took %v; want %v", took, most)
				}
				<-served
				near.Close()
				s.Close()
			})
		})
	}
}

func sendUnread(t *testing.T, nc net.Conn) {
	t.Helper()
	const header = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n"
	if _, err := io.WriteString(nc, header+callStrings); err != nil || len(callStrings) != 50 {
		t.Fatal(len(callStrings), err)
	}
}
