// Package supervise runs a program as a supervisor and workers that share its listener. The program is started once and
// asks [Inherited] whether it is a worker: if so it serves what [Worker.Serve] hands it, and else it calls [Run], which
// starts it n times more, with the same arguments, and looks after these processes. Unix systems only.
package supervise

import (
	"context"
	"net"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// Options are what a supervisor needs.
type Options struct {
	Workers   int
	Listener  net.Listener    // of TCP or a unix socket; Run closes it
	ListensOn string          // what Listener listens on, by which a worker knows its own
	Closing   context.Context // ends when the workers are to drain
	Patience  time.Duration   // with a worker that drains, before it is killed
	// before a worker is started in place of one that died, failures in a row
	Backoff func(failures int) time.Duration
	Log     *rpc.Log // gets every line, without the limit
}
