package rpc_test

import (
	"testing"

	"github.com/yodelrpc/yodel/protocol/inprocess"
	"github.com/yodelrpc/yodel/rpc"
)

// newMemory returns a channel to the services in this process, whose messages travel as bytes. At the end of the test
// all handlers must have returned.
func newMemory(t *testing.T, services ...*rpc.Service) rpc.Channel {
	t.Helper()
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ch, stop := memoryOf(d)
	t.Cleanup(stop)
	return ch
}

// memoryOf is newMemory for a dispatcher. stop waits for the handlers.
func memoryOf(d *rpc.Dispatcher) (ch rpc.Channel, stop func()) {
	s := inprocess.NewServer(d)
	c, err := s.Dial(inprocess.Options{Serialize: true})
	if err != nil {
		panic(err) // it takes a server that was shut down
	}
	return c, func() { _ = s.Close() }
}
