package web_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A handler's context ends when its peer is gone, whatever the peer has sent behind the request.
func TestHandlerEndsWithItsPeerWhateverStandsBehind(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells of an end behind bytes that nobody reads")
	}
	body := fmt.Sprintf(`{"name": "divide", "params": {"num1": %d}}`, waits)
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for _, network := range []string{"tcp", "unix"} {
		for _, behind := range []int{0, 1, 100, 5000, 100_000} {
			t.Run(fmt.Sprint(network, " ", behind), func(t *testing.T) {
				t.Parallel()
				s := serve(t, rpc.Limits{})
				here, there := netPair(t, network)
				go s.ServeConn(here, nil, new(rpc.Peer))
				io.WriteString(there, request)
				ctx := <-s.waiting
				if _, err := io.WriteString(there, strings.Repeat("P", behind)); err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(time.Duration(behind%7)*time.Millisecond, func() { there.Close() })
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Second):
					t.Fatal("the handler's context lives on after the caller left")
				}
			})
		}
	}
}

// What stands behind a request that takes its time is answered after it.
func TestWatchReadsNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, rpc.Limits{CallTime: 50 * time.Millisecond})
	here, there := netPair(t, "tcp")
	go s.ServeConn(here, nil, new(rpc.Peer))
	for range 3 {
		for _, n := range []int{waits, 2} {
			body := fmt.Sprintf(`{"name": "divide", "params": {"num1": %d}}`, n)
			fmt.Fprintf(there, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			if n == waits {
				<-s.waiting
			}
		}
	}
	there.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(there)
	if n := strings.Count(string(got), "HTTP/1.1 200 OK"); n != 3 || err != nil {
		t.Errorf("%d results, %v; want 3:\n%s", n, err, got)
	}
}

func netPair(t *testing.T, network string) (here, there net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if there, err = net.Dial(network, ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if here, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close() })
	return here, there
}
