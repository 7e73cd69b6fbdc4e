package yodel

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// guardConn returns nc, or what keeps its panics from the process where nc is of a type of the program's own: a
// connection is read and written by goroutines that nobody else could recover.
func guardConn(nc net.Conn, log *rpc.Log) net.Conn {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn, *tls.Conn, nil:
		return nc
	}
	g := &guardedConn{nc: nc, log: log}
	if half, ok := nc.(halfCloser); ok {
		return &guardedHalf{g, half}
	}
	return g
}

type halfCloser interface{ CloseWrite() error }

// A guardedConn is a connection that ends with an error once a method of it panics. It shows what the connection knows
// of sockets, which is asked for by type.
type guardedConn struct {
	nc    net.Conn
	log   *rpc.Log
	fault atomic.Pointer[error]
}

var _ interface {
	rpc.ResumableConn
	syscall.Conn
} = (*guardedConn)(nil)

// A guardedHalf is a guardedConn that can end one direction.
type guardedHalf struct {
	*guardedConn
	half halfCloser
}

func (c *guardedConn) Read(b []byte) (int, error)  { return c.move("Read", c.nc.Read, b) }
func (c *guardedConn) Write(b []byte) (int, error) { return c.move("Write", c.nc.Write, b) }

func (c *guardedConn) move(what string, f func([]byte) (int, error), b []byte) (n int, err error) {
	err = c.run(what, func() (err error) {
		n, err = f(b)
		return err
	})
	if n < 0 || n > len(b) {
		return 0, errors.Join(fmt.Errorf("the connection's %s says that it has moved %d of %d bytes", what, n, len(b)),
			err)
	}
	return n, err
}

func (c *guardedConn) SetDeadline(t time.Time) error {
	return c.run("SetDeadline", func() error { return c.nc.SetDeadline(t) })
}

func (c *guardedConn) SetReadDeadline(t time.Time) error {
	return c.run("SetReadDeadline", func() error { return c.nc.SetReadDeadline(t) })
}

func (c *guardedConn) SetWriteDeadline(t time.Time) error {
	return c.run("SetWriteDeadline", func() error { return c.nc.SetWriteDeadline(t) })
}

// Close closes the connection, also one that has ended with a fault.
func (c *guardedConn) Close() error { return c.try("Close", c.nc.Close) }

// CloseWrite ends the direction out of the connection.
func (c *guardedHalf) CloseWrite() error { return c.run("CloseWrite", c.half.CloseWrite) }

func (c *guardedConn) LocalAddr() net.Addr  { return c.addr("LocalAddr", c.nc.LocalAddr) }
func (c *guardedConn) RemoteAddr() net.Addr { return c.addr("RemoteAddr", c.nc.RemoteAddr) }

func (c *guardedConn) addr(what string, f func() net.Addr) (a net.Addr) {
	_ = c.run(what, func() error {
		a = f()
		return nil
	})
	if a == nil {
		return &net.UnixAddr{Name: "unknown", Net: "unknown"}
	}
	return a
}

// CanResumeWrites implements [rpc.ResumableConn].
func (c *guardedConn) CanResumeWrites() (can bool) {
	_ = c.run("CanResumeWrites", func() error {
		r, ok := c.nc.(rpc.ResumableConn)
		can = ok && r.CanResumeWrites()
		return nil
	})
	return can
}

var errNoSocket = errors.New("the connection shows no socket")

// SyscallConn returns the socket of the innermost connection.
func (c *guardedConn) SyscallConn() (raw syscall.RawConn, err error) {
	err = c.run("SyscallConn", func() error {
		nc := c.nc
		for {
			wrapper, ok := nc.(interface{ NetConn() net.Conn })
			if !ok {
				break
			}
			nc = wrapper.NetConn()
		}
		s, ok := nc.(syscall.Conn)
		if !ok {
			return errNoSocket
		}
		raw, err = s.SyscallConn()
		return err
	})
	return raw, err
}

// run calls f, a method of the connection, unless one has failed before.
func (c *guardedConn) run(what string, f func() error) error {
	if fault := c.fault.Load(); fault != nil {
		return *fault
	}
	err := c.try(what, f)
	if fault := c.fault.Load(); err != nil && fault != nil { // which has closed the connection meanwhile
		return *fault
	}
	return err
}

// try calls f. Where that does not return, the connection is closed, so that whoever else waits for it learns of its
// end.
func (c *guardedConn) try(what string, f func() error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		e := rpc.Guard{Log: c.log, Local: true}.Caught("the connection's "+what, recover(), nil)
		err = errors.New(e.Message) // of no call
		if c.fault.CompareAndSwap(nil, &err) && what != "Close" {
			_ = c.Close()
		}
	}()
	err = f()
	returned = true
	return err
}
