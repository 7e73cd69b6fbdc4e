package main

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/bench/system"
)

// serve runs a system's server in this process until the test ends. Most peers' servers go on with the connections they
// have when their listener is closed, so nobody waits for them.
func serve(t *testing.T, s system.System) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { _ = s.Serve(ln, system.Plain{}) }() // ends with an error: its listener is closed
	return ln.Addr().String()
}

func dial(t *testing.T, s system.System, addr string) system.Conn {
	t.Helper()
	c, err := s.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestEverySystemAnswersEveryWork(t *testing.T) {
	t.Parallel()
	for _, s := range allSystems() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, s, serve(t, s))
			divideOnce(t, c, 200, 100)
			for _, size := range []int{0, 1, 128, 1 << 10, 32<<10 - 1, 32 << 10, 64 << 10, 1 << 20} {
				echoOnce(t, c, size)
			}
			divideOnce(t, c, -7, 2)
		})
	}
}

func TestManyCallersShareAConnection(t *testing.T) {
	t.Parallel()
	for _, s := range allSystems() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			addr := serve(t, s)
			shared := dial(t, s, addr)
			var callers sync.WaitGroup
			for i := range 32 {
				c := shared
				if s.PerCaller {
					c = dial(t, s, addr)
				}
				callers.Go(func() {
					for n := range 20 {
						divideOnce(t, c, int32(i+1), int32(n+1))
						echoOnce(t, c, 3000*n+i)
					}
				})
			}
			callers.Wait()
		})
	}
}

func divideOnce(t *testing.T, c system.Conn, num1, num2 int32) {
	got, err := c.Divide(context.Background(), num1, num2)
	if want := float32(num1) / float32(num2); err != nil || got != want {
		t.Errorf("%d / %d = %v, %v; want %v", num1, num2, got, err, want)
	}
}

func echoOnce(t *testing.T, c system.Conn, size int) {
	payload := bytes.Repeat([]byte{byte(size), byte(size >> 8), 3}, size/3+1)[:size]
	got, err := c.Echo(context.Background(), payload)
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
	}
}

func TestSystemsHaveNamesAndVersions(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range allSystems() {
		if s.Name == "" || s.Setup == "" || seen[s.Name] {
			t.Errorf("system %q, %q: no name, no set-up or twice", s.Name, s.Setup)
		}
		seen[s.Name] = true
		if found, err := findSystem(s.Name); err != nil || found.Name != s.Name {
			t.Errorf("findSystem(%q) = %q, %v", s.Name, found.Name, err)
		}
	}
	if _, err := findSystem("nothing"); err == nil {
		t.Error("a system that does not exist was found")
	}
}
