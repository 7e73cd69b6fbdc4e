package peercred_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// An unnamed is a TCP connection that is not seen to be one.
type unnamed struct{ *net.TCPConn }

// A socket of another family than its type's name says is found out by asking the system.
func TestTCPSocketAsUnknownType(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	check(t, "TCP", unnamed{nc.(*net.TCPConn)}, nil)
}

// The numbers are the peer's, not this process's: a thread of root's takes another user's for its connection.
func TestPeerIsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can connect as another user")
	}
	path := "@" + filepath.Join(t.TempDir(), "s") // without a file, whose folder the other user may not enter
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	fd := make(chan int)
	go func() {
		runtime.LockOSThread() // which ends with the goroutine
		fd <- connectAs(t, path, 12345, 54321)
	}()
	client := <-fd
	if client < 0 {
		return
	}
	defer syscall.Close(client)
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	check(t, "another user", nc, &rpc.UnixCredentials{UID: 12345, GID: 54321, PID: os.Getpid()})
}

// connectAs returns a socket that is connected to path, or -1. The raw calls change this thread's user alone.
func connectAs(t *testing.T, path string, uid, gid uintptr) int {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Errorf("socket: %v", err)
		return -1
	}
	keep := ^uintptr(0)
	_, _, gidErr := syscall.RawSyscall(syscall.SYS_SETRESGID, keep, gid, keep)
	_, _, uidErr := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uid, keep)
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); gidErr != 0 || uidErr != 0 || err != nil {
		t.Errorf("connect as %d: %v, %v, %v", uid, gidErr, uidErr, err)
		syscall.Close(fd)
		return -1
	}
	return fd
}
