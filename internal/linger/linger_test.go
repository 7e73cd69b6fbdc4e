package linger_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/linger"
)

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// A peer that sends more than anybody reads gets the last words, and the end behind them.
func TestWordsArrive(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	if _, err := there.Write(make([]byte, 32<<10)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		linger.Write(here, []byte("go away"), time.Now().Add(time.Minute))
		here.Close()
		close(ended)
	}()
	if got, err := io.ReadAll(there); string(got) != "go away" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	there.Close() // which ends the other side long before its time
	<-ended
}

// A peer that does not end its side is not waited for beyond the time.
func TestTimeEnds(t *testing.T) {
	t.Parallel()
	here, _ := pair(t)
	linger.Write(here, make([]byte, 64<<20), time.Now()) // more than the network takes
	linger.End(here, time.Now())
}

// What has no half to close is left alone.
func TestNoHalf(t *testing.T) {
	t.Parallel()
	here, _ := net.Pipe()
	linger.End(here, time.Now().Add(time.Hour))
}
