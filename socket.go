package yodel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// listenUnix listens on a unix socket: a file, or with @ in front of its name an abstract one, which has none. A file
// that a server left behind that did not end well is replaced. Servers that begin at the same time do this one after
// another, so that none takes another's socket for such a file in the moment before it listens.
func listenUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	config := net.ListenConfig{}
	if path[0] == '@' {
		if mode != 0 {
			return nil, fmt.Errorf("the abstract unix socket %s has no file for ServerOptions.SocketMode: whoever is "+
				"on this system may connect", path)
		}
		return config.Listen(ctx, "unix", path)
	}
	unlock, err := lockFolder(ctx, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("cannot listen at the unix socket %s: %w", path, err)
	}
	defer unlock()
	if mode != 0 { // from the file's first moment, where the system heeds this
		config.Control = func(_, _ string, socket syscall.RawConn) error {
			return socket.Control(func(fd uintptr) { restrict(fd, uint32(mode)) })
		}
	}
	ln, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeStale(ctx, path); err != nil {
			return nil, err
		}
		ln, err = config.Listen(ctx, "unix", path)
	}
	if err != nil || mode == 0 {
		return ln, err
	}
	if err := os.Chmod(path, mode); err != nil {
		ln.Close()
		return nil, fmt.Errorf("cannot set ServerOptions.SocketMode: %w", err)
	}
	return ln, nil
}

// removeStale removes the file of a socket that nobody listens on.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is there and is no socket; remove it or pass another address", path)
	}
	nc, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		nc.Close()
		return fmt.Errorf("address %s is in use; stop the other program or pass another address: %w", path,
			syscall.EADDRINUSE)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s is a socket of which nobody knows whether it is in use; remove it or pass another "+
			"address: %w", path, err)
	}
	return os.Remove(path)
}
