package yodel

import (
	"context"
	"fmt"

	"github.com/yodelrpc/yodel/rpc"
)

// Connect makes the channel's connections, which else its first calls do, and returns why one of them cannot be made:
// for programs that would rather end at their start than with their first call. A channel that waits for ready goes on
// trying until ctx ends. Calls are made as before if it fails.
func (ch *Channel) Connect(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	for _, l := range ch.links {
		if _, err := l.session(ctx, new(rpc.Method), deadline); err != nil {
			return fmt.Errorf("cannot connect to %s: %w", ch.target, ofNoCall(err))
		}
	}
	return nil
}

// ofNoCall returns an error that a call would have got as one that concerns none.
func ofNoCall(err error) error {
	switch e := err.(type) {
	case *rpc.Error:
		c := *e
		c.Method = ""
		return &c
	case *rpc.ContextError:
		c := *e
		c.Method = ""
		return &c
	}
	return err
}
