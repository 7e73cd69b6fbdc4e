//go:build unix

package mux

import "syscall"

// canTryIO says that sockets can be read and written without waiting.
const canTryIO = true

// tryRead is the callback of RawConn.Read: false means to wait for bytes, which is done without a buffer.
func (in *input) tryRead(fd uintptr) bool {
	for {
		in.n, in.err = in.readOnce(int(fd))
		switch in.err {
		case nil:
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			in.n, in.err = 0, nil
			in.release()
			return false
		}
		in.n = 0
		return true
	}
}

// tryWrite is the callback of RawConn.Write: it writes what the socket takes now and never waits.
func (o *output) tryWrite(fd uintptr) bool {
	for {
		o.n, o.tryErr = o.writeOnce(int(fd))
		switch o.tryErr {
		case nil:
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			o.tryErr = nil
		}
		o.n = max(o.n, 0)
		return true
	}
}
