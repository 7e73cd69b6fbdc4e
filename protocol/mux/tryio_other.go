//go:build !unix

package mux

// canTryIO says that sockets can be read and written without waiting.
const canTryIO = false

func (in *input) tryRead(uintptr) bool  { return true }
func (o *output) tryWrite(uintptr) bool { return true }

type scatter struct{}
type gather struct{}
