package rpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A foreign context panics when it is asked why it has ended.
type foreign struct {
	context.Context
	done chan struct{}
}

func (c foreign) Done() <-chan struct{} { return c.done }
func (c foreign) Err() error {
	select {
	case <-c.done:
		panic("a test's context panics")
	default:
		return nil
	}
}

// Package context asks a parent of another type for its error on a goroutine of its own, which nobody could guard.
func TestTimeoutUnderForeignContextThatPanics(t *testing.T) {
	t.Parallel()
	parent := foreign{context.Background(), make(chan struct{})}
	ctx := rpc.WithTimeout(parent, time.Minute)
	done := ctx.Done()
	close(parent.done)
	<-done
}
