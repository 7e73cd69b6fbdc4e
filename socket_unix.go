//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package yodel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockTime is how long a server waits for others that make a socket in the same folder, which takes microseconds.
const lockTime = 2 * time.Second

// lockFolder keeps other servers from making a socket in the folder until unlock is called. The lock, of flock(2), ends
// with the process at the latest, and concerns nobody who does not ask for it. Where the folder cannot be opened, as
// one in which this user may make files but see none, there is none.
func lockFolder(ctx context.Context, folder string) (unlock func(), err error) {
	f, err := os.Open(folder)
	if errors.Is(err, os.ErrPermission) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	for until := time.Now().Add(lockTime); ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			f.Close()
			return func() {}, nil // a file system without locks
		case time.Now().After(until):
			f.Close()
			return nil, fmt.Errorf("another program has held the lock of %s for %v", folder, lockTime)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}

// restrict sets the permissions that bind gives the file of a socket, which Linux takes from the socket's own.
func restrict(fd uintptr, mode uint32) { _ = syscall.Fchmod(int(fd), mode) }
