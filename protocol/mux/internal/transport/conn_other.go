//go:build !unix

package transport

// canTryIO says that sockets can be read and written without waiting.
const canTryIO = false

func (t *Conn) tryRead(uintptr) bool  { return true }
func (t *Conn) tryWrite(uintptr) bool { return true }

type scatter struct{}
type gather struct{}
