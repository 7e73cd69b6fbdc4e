//go:build !unix

package mux

// canTryIO says that sockets can be read and written without waiting.
const canTryIO = false

func (t *transport) tryRead(uintptr) bool  { return true }
func (t *transport) tryWrite(uintptr) bool { return true }

type scatter struct{}
type gather struct{}
