package yodel

import (
	"context"

	"github.com/yodelrpc/yodel/rpc"
)

// connecting stands for a call in the errors of Connect.
var connecting = &rpc.Method{Service: "connect"}

// Connect makes the channel's connections, which else its first calls do, and returns why one of them cannot be made:
// for programs that would rather end at their start than with their first call. A channel that waits for ready goes on
// trying until ctx ends. Calls are made as before if it fails.
func (ch *Channel) Connect(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	for _, l := range ch.links {
		if _, err := l.session(ctx, connecting, deadline); err != nil {
			return err
		}
	}
	return nil
}
