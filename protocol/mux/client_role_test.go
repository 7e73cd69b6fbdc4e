package mux

import (
	"runtime"
	"testing"
)

// A caller that asks the reader to step aside is told so, even if the reader has been called back before it listens.
func TestReaderThatStepsAsideSaysSo(t *testing.T) {
	t.Parallel()
	var c Conn
	c.role.begin()
	back := make(chan error)
	go func() { back <- c.stepAside() }()
	for c.role.holder.Load() != roleFree {
		runtime.Gosched()
	}
	c.toReader()
	if err := <-back; err != nil {
		t.Error(err)
	}
	select {
	case <-c.role.gone:
	default:
		t.Error("who asked waits for ever")
	}
}
