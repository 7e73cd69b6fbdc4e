//go:build unix

package transport

import "syscall"

// canTryIO says that sockets can be read and written without waiting.
const canTryIO = true

// tryRead is the callback of RawConn.Read: false means to wait for bytes, which is done without a buffer.
func (t *Conn) tryRead(fd uintptr) bool {
	for {
		t.n, t.err = t.readOnce(int(fd))
		switch t.err {
		case nil:
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			t.n, t.err = 0, nil
			t.reader.Release()
			return false
		}
		t.n = 0
		return true
	}
}

// tryWrite is the callback of RawConn.Write: it writes what the socket takes now and never waits.
func (t *Conn) tryWrite(fd uintptr) bool {
	for {
		t.written, t.writeErr = t.writeOnce(int(fd))
		switch t.writeErr {
		case nil:
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			t.writeErr = nil
		}
		t.written = max(t.written, 0)
		return true
	}
}
