//go:build darwin || linux

package yodel_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/tlstest"
)

// A listening is a server that listens, or has failed to.
type listening struct {
	srv    *yodel.Server
	failed chan error
}

// listenUnix starts a server at an address; it ends with the test.
func listenUnix(t *testing.T, o yodel.ServerOptions, address string) *listening {
	t.Helper()
	l := &listening{o.NewServer(divide.NewService(handler{})), make(chan error, 1)}
	go func() { l.failed <- l.srv.ListenAndServe(context.Background(), address) }()
	t.Cleanup(func() { l.srv.Close() })
	return l
}

// wantServed makes a call to a server that may not listen yet.
func wantServed(t *testing.T, target string) {
	t.Helper()
	wantQuotient(t, dial(t, yodel.DialOptions{WaitForReady: true}, target))
}

// stale makes the file of a socket that nobody listens on.
func stale(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	path := stale(t)
	l := listenUnix(t, yodel.ServerOptions{}, "unix://"+path)
	wantServed(t, "unix://"+path)
	second := listenUnix(t, yodel.ServerOptions{}, "unix://"+path)
	if err := <-second.failed; err == nil || !strings.Contains(err.Error(), "is in use; stop the other program") {
		t.Errorf("a second server: %v", err)
	}
	wantServed(t, "basic+unix://"+path)
	l.srv.Close()
	if err := <-l.failed; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket's file is left: %v", err)
	}
}

// Of servers that begin at once over a stale file one listens, and clients reach it.
func TestOneServerTakesStaleSocket(t *testing.T) {
	t.Parallel()
	path := stale(t)
	const n = 8
	var failed sync.WaitGroup
	failed.Add(n - 1)
	for range n {
		l := listenUnix(t, yodel.ServerOptions{}, "unix://"+path)
		go func() {
			if err := <-l.failed; err != nil {
				if !strings.Contains(err.Error(), "in use") {
					t.Errorf("a server that came later: %v", err)
				}
				failed.Done()
			}
		}()
	}
	failed.Wait()
	wantServed(t, "unix://"+path)
}

func TestSocketMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o600, 0o660, 0o666} {
		path := filepath.Join(t.TempDir(), "s")
		listenUnix(t, yodel.ServerOptions{SocketMode: mode}, "unix://"+path)
		wantServed(t, "unix://"+path)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, mode)
		}
	}
}

func TestAbstractSocket(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("unix://@yodel-test-%d", os.Getpid())
	l := listenUnix(t, yodel.ServerOptions{}, address)
	if runtime.GOOS != "linux" {
		if err := <-l.failed; err == nil || !strings.Contains(err.Error(), "only Linux") {
			t.Errorf("listening: %v", err)
		}
		return
	}
	for _, scheme := range schemes {
		wantServed(t, scheme+"+"+address)
	}
	second := listenUnix(t, yodel.ServerOptions{}, address)
	if err := <-second.failed; err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server: %v", err)
	}
	moded := listenUnix(t, yodel.ServerOptions{SocketMode: 0o600}, address+"-2")
	if err := <-moded.failed; err == nil || !strings.Contains(err.Error(), "has no file") {
		t.Errorf("with a mode: %v", err)
	}
}

// Whoever is on the system may connect to an abstract socket, so that TLS is demanded there.
func TestAbstractSocketDemandsTLS(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has abstract sockets")
	}
	a := tlstest.New(t, "authority")
	address := fmt.Sprintf("unix://@yodel-tls-test-%d", os.Getpid())
	listenUnix(t, yodel.ServerOptions{TLS: a.Server()}, address)
	config := a.Client()
	config.ServerName = "127.0.0.1"
	wantQuotient(t, dial(t, yodel.DialOptions{TLS: config, WaitForReady: true}, "muxs+"+address))
	_, err := dial(t, yodel.DialOptions{}, address).Divide(t.Context(), 200)
	if err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("in plaintext: %v", err)
	}
}

func TestSocketMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		address, want string
		mode          fs.FileMode
	}{
		{"unix://" + file, "is there and is no socket", 0},
		{"unix://" + dir, "is there and is no socket", 0},
		{"unix://" + filepath.Join(dir, "no", "s"), "no such file or directory", 0},
		{"unix:/run/s", "write unix:///run/s", 0},
		{"unix:@s", "write unix://@s", 0},
		{"unix://@", "absolute path", 0},
		{"unix:///" + strings.Repeat("x", 107), "at most 107 bytes, and this has 108", 0},
		{"unix:///a\x00b", "zero bytes", 0},
		{"unix://" + filepath.Join(dir, "s"), "SocketMode", fs.ModeDir | 0o600},
	} {
		err := yodel.ServerOptions{SocketMode: c.mode}.NewServer().ListenAndServe(t.Context(), c.address)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want it to say %q", c.address, err, c.want)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file has %q, %v", text, err)
	}
	for target, want := range map[string]string{
		"mux+unix:/run/s": "write mux+unix:///run/s",
		"unix:@s":         "write unix://@s",
		"unix://@":        "absolute path",
	} {
		if _, err := yodel.Dial(target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want it to say %q", target, err, want)
		}
	}
	if _, err := yodel.Dial("unix:80"); err != nil { // a host may have any name
		t.Error(err)
	}
}
