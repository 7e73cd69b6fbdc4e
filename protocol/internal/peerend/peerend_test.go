package peerend_test

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/peerend"
)

// pair returns both ends of a connection.
func pair(t *testing.T, network, address string) (here, there net.Conn) {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	there, err = net.Dial(network, ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	here, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

// The end is seen behind bytes that nobody has read, and not before it is there.
func TestEndBehindUnreadBytes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	for _, network := range []string{"tcp", "unix"} {
		for name, end := range map[string]func(net.Conn){
			"half": func(nc net.Conn) { nc.(interface{ CloseWrite() error }).CloseWrite() },
			"all":  func(nc net.Conn) { nc.Close() },
		} {
			t.Run(network+" "+name, func(t *testing.T) {
				t.Parallel()
				address := "127.0.0.1:0"
				if network == "unix" {
					address = filepath.Join(t.TempDir(), "s")
				}
				here, there := pair(t, network, address)
				if _, err := there.Write(make([]byte, 10_000)); err != nil {
					t.Fatal(err)
				}
				if peerend.Reached(here) || peerend.Reached(tls.Client(here, nil)) {
					t.Error("an end is seen where there is none")
				}
				end(there)
				for began := time.Now(); !peerend.Reached(tls.Client(here, nil)); {
					if time.Since(began) > 10*time.Second {
						t.Fatal("the end was not seen in 10 s")
					}
				}
			})
		}
	}
}

// What has no file descriptor is never said to have ended.
func TestPipeIsNotKnown(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer here.Close()
	there.Close()
	if peerend.Reached(here) {
		t.Error("the end of a pipe is said to be known")
	}
}
