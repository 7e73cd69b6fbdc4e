package web_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
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
	for _, network := range []nettest.Network{nettest.TCP, nettest.Unix, nettest.TLS} {
		// memory has no system that tells
		for _, behind := range []int{0, 1, 100, 5000, 100_000, 3_000_000} {
			t.Run(fmt.Sprint(network.Name, " ", behind), func(t *testing.T) {
				t.Parallel()
				s := serve(t, network, rpc.ServerLimits{})
				there, here := network.Pair(t)
				go s.ServeConn(here, nil, nettest.Peer(here))
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

// The end of a connection is that of its handlers, whatever the peer has sent behind the request, and Close waits for
// them.
func TestCloseEndsHandlersWhateverStandsBehind(t *testing.T) {
	overAll(t, testCloseEndsHandlersWhateverStandsBehind)
}

func testCloseEndsHandlersWhateverStandsBehind(t *testing.T, n nettest.Network) {
	body := fmt.Sprintf(`{"name": "divide", "params": {"num1": %d}}`, waits)
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for _, behind := range []int{0, 1, 5000, 300_000} {
		for _, shutdown := range []bool{false, true} {
			t.Run(fmt.Sprint(behind, " ", shutdown), func(t *testing.T) {
				t.Parallel()
				s := serve(t, n, rpc.ServerLimits{Limits: rpc.Limits{Message: 64 << 10}})
				there, here := n.Pair(t)
				go s.ServeConn(here, nil, nettest.Peer(here))
				io.WriteString(there, request)
				ctx := <-s.waiting
				go io.WriteString(there, strings.Repeat("P", behind)) // more than memory takes
				// In memory a watch ends once it has read what it may, for there is no system to ask.
				awaitWatch(t, behind > 0 && (n.Name != nettest.Memory.Name || behind < 64<<10))
				ended := make(chan error, 1)
				go func() {
					if shutdown {
						over, end := context.WithCancel(context.Background())
						end()
						s.Shutdown(over)
					}
					ended <- s.Close()
				}()
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Second):
					t.Fatal("the handler's context lives on after the server closed")
				}
				<-ended
			})
		}
	}
}

// awaitWatch waits until a connection's watch has begun, or some time where it cannot tell.
func awaitWatch(t *testing.T, begins bool) {
	t.Helper()
	stacks := make([]byte, 4<<20)
	for range 1000 {
		if !begins || bytes.Contains(stacks[:runtime.Stack(stacks[:], true)], []byte("startWatch")) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("no watch has begun")
}

// Requests that were read ahead while a handler ran are answered after it, however many, and however their bytes come.
func TestWhatIsReadAheadIsAnswered(t *testing.T) { overAll(t, testWhatIsReadAheadIsAnswered) }

func testWhatIsReadAheadIsAnswered(t *testing.T, n nettest.Network) {
	for _, limit := range []int{1000, 0} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			s := serve(t, n, rpc.ServerLimits{Limits: rpc.Limits{Message: limit}, CallTime: 100 * time.Millisecond})
			there, here := n.Pair(t)
			go s.ServeConn(here, nil, nettest.Peer(here))
			const calls = 3000
			go func() {
				for i := range calls {
					n := 1 + i%500
					if i%1000 == 0 {
						n = waits
					}
					body := fmt.Sprintf(`{"name": "divide", "params": {"num1": %d}}`, n)
					fmt.Fprintf(there, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body),
						body)
				}
			}()
			go func() {
				for range calls / 1000 {
					<-s.waiting
				}
			}()
			answers := bufio.NewReader(there)
			for i := range calls {
				response, err := http.ReadResponse(answers, nil)
				if err != nil {
					t.Fatalf("answer %d: %v", i, err)
				}
				got, err := io.ReadAll(response.Body)
				want := fmt.Sprintf("{\"result\": %d}\r\n", 1+i%500)
				if i%1000 != 0 && string(got) != want || err != nil {
					t.Fatalf("answer %d is %q, %v; want %q", i, got, err, want)
				}
			}
		})
	}
}

// What stands behind a request that takes its time is answered after it.
func TestWatchLosesNothing(t *testing.T) { overAll(t, testWatchLosesNothing) }

func testWatchLosesNothing(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{CallTime: 50 * time.Millisecond})
	there, here := n.Pair(t)
	go s.ServeConn(here, nil, nettest.Peer(here))
	for range 3 {
		for _, n := range []int{waits, 2} {
			body := fmt.Sprintf(`{"name": "divide", "params": {"num1": %d}}`, n)
			fmt.Fprintf(there, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			if n == waits {
				<-s.waiting
			}
		}
	}
	there.(interface{ CloseWrite() error }).CloseWrite()
	got, err := io.ReadAll(there)
	if n := strings.Count(string(got), "HTTP/1.1 200 OK"); n != 3 || err != nil {
		t.Errorf("%d results, %v; want 3:\n%s", n, err, got)
	}
}
